//! Sending events to Kafka, in order, without a gap.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::try_join_all;
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode;
use uuid::Uuid;

use super::Options;
use crate::log::Topics;
use crate::message::{headers, topic};
use crate::recorded::{Position, RecordedEvent};

/// How long Kafka may take for a batch before the relay looks after its topics and sends it again by
/// a new producer: one whose topic was deleted and made anew meanwhile may wait for ever.
const DELIVERY_LIMIT: Duration = Duration::from_secs(15);

/// An idempotent producer of the log's topics.
pub(super) struct Producer {
    kafka: FutureProducer,
    topics: HashMap<String, String>,
}

impl Producer {
    pub(super) fn new(options: &Options, topics: &Topics) -> Result<Self, KafkaError> {
        let kafka = ClientConfig::new()
            .set("bootstrap.servers", &options.brokers)
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "1")
            // A message never times out: one that did, with later ones delivered, would be a hole.
            // While Kafka is away the relay waits.
            .set("message.timeout.ms", "0")
            .set("message.max.bytes", "8000000")
            // A topic that was deleted is noticed soon.
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set("topic.metadata.propagation.max.ms", "5000")
            .create()?;
        let named = topics.all().into_iter().map(|(context, of)| {
            let name = topic(&options.topic_prefix, &context, of.generation);
            (context, name)
        });
        Ok(Self {
            kafka,
            topics: named.collect(),
        })
    }

    /// Sends `events` and waits until Kafka has all of them. `previous` holds the last position
    /// sent to each partition, and is brought up to date.
    pub(super) async fn send(
        &self,
        events: &[RecordedEvent],
        epoch: Uuid,
        previous: &mut HashMap<(String, i32), Position>,
    ) -> Result<(), KafkaError> {
        let mut deliveries = Vec::with_capacity(events.len());
        for event in events {
            let partition = (event.context().to_owned(), event.partition);
            // An event of a context that this relay does not know is an error, never skipped.
            let topic = self
                .topics
                .get(&partition.0)
                .ok_or_else(|| KafkaError::Subscription(format!("no topic of {}", partition.0)))?;
            let before = previous.insert(partition, event.position).unwrap_or(0);
            let key = event.aggregate_id.to_string();
            let record = FutureRecord::to(topic)
                .partition(event.partition)
                .key(&key)
                .payload(&event.payload)
                .headers(headers(event, epoch, before));
            let delivery = self.kafka.send_result(record).map_err(|(error, _)| error)?;
            deliveries.push(delivery);
        }
        let delivered = tokio::time::timeout(DELIVERY_LIMIT, try_join_all(deliveries))
            .await
            .map_err(|_| KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut))?
            .map_err(|_cancelled| KafkaError::Canceled)?;
        for outcome in delivered {
            outcome.map_err(|(error, _message)| error)?;
        }
        Ok(())
    }
}
