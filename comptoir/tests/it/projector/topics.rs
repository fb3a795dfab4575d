//! Kafka's topics, as an administrator or an accident treats them.

use std::collections::HashMap;

use comptoir::settings::Kafka;
use event_store::{RecordedEvent, message};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::FutureRecord;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use uuid::Uuid;

use super::LIMIT;
use crate::runtime::producer_and_topics;
use crate::support::{System, wait_for};

/// How many partitions the topics of a test have.
pub const PARTITIONS: i32 = 3;

pub struct OfTopics {
    kafka: Kafka,
    admin: AdminClient<DefaultClientContext>,
}

impl OfTopics {
    /// Those of a system.
    pub async fn of(kafka: &Kafka) -> Self {
        let (_, admin) = producer_and_topics(kafka).await;
        let kafka = kafka.clone();
        Self { kafka, admin }
    }

    /// Others than those of `system`, filled by hand: a message an event that `sent` says yes to,
    /// and all of them twice.
    pub async fn by_hand(
        system: &System,
        events: &[RecordedEvent],
        sent: impl Fn(&RecordedEvent) -> bool,
    ) -> Kafka {
        let kafka = Kafka {
            topic_prefix: format!("t{}", Uuid::new_v4().simple()),
            ..system.kafka.clone()
        };
        let (producer, _) = producer_and_topics(&kafka).await;
        let topics = Self::of(&kafka).await;
        for context in domain::CONTEXTS {
            topics.make(context).await;
        }
        let mut previous = HashMap::new();
        for event in events {
            let place = (event.context().to_owned(), event.partition);
            let before = previous.insert(place, event.position).unwrap_or(0);
            let topic = topics.name(event.context());
            for _ in 0..if sent(event) { 2 } else { 0 } {
                let record = FutureRecord::<str, _>::to(&topic)
                    .partition(event.partition)
                    .payload(&event.payload)
                    .headers(message::headers(event, system.log.epoch(), before));
                producer.send(record, LIMIT).await.unwrap();
            }
        }
        kafka
    }

    fn name(&self, context: &str) -> String {
        message::topic(&self.kafka.topic_prefix, context, 1)
    }

    pub async fn make(&self, context: &str) {
        let name = self.name(context);
        let topic = NewTopic::new(&name, PARTITIONS, TopicReplication::Fixed(1));
        let made = self.admin.create_topics([&topic], &AdminOptions::new());
        made.await.unwrap()[0].as_ref().unwrap();
    }

    /// Deletes the topic of `context`; it is gone when this returns.
    pub async fn delete(&self, context: &str) {
        let name = self.name(context);
        let deleted = self.admin.delete_topics(&[&name], &AdminOptions::new());
        deleted.await.unwrap()[0].as_ref().unwrap();
    }

    /// Deletes all messages that there are, as retention does.
    pub async fn empty(&self, context: &str) {
        let mut all = TopicPartitionList::new();
        for (partition, (_, end)) in self.ends(context).await.into_iter().enumerate() {
            let partition = i32::try_from(partition).unwrap();
            all.add_partition_offset(&self.name(context), partition, Offset::Offset(end))
                .unwrap();
        }
        let emptied = self.admin.delete_records(&all, &AdminOptions::new());
        for one in emptied.await.unwrap().elements() {
            one.error().unwrap();
        }
    }

    /// The first and the next offset of each partition.
    pub async fn ends(&self, context: &str) -> Vec<(i64, i64)> {
        let mut config = ClientConfig::new();
        config.set(
            "bootstrap.servers",
            self.kafka.kafka_brokers.as_ref().unwrap(),
        );
        let topic = self.name(context);
        let consumer: BaseConsumer = config.create().unwrap();
        wait_for("the topic", LIMIT, || async {
            let ends = (0..PARTITIONS).map(|one| consumer.fetch_watermarks(&topic, one, LIMIT));
            ends.collect::<Result<Vec<_>, _>>().ok()
        })
        .await
    }
}
