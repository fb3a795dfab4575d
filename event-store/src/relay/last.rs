//! The last messages that Kafka has: what the relay sent once, whatever the log says now.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::topics::is_away;
use super::{Error, Options};
use crate::log::Topics;
use crate::message::{self, topic};
use crate::seen::Seen;

const PAUSE: Duration = Duration::from_secs(1);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

/// The last message of every partition of `topics`, as far as there is one. Waits while Kafka is
/// away.
///
/// # Errors
/// When Kafka refuses, or a message is not one of the relay's.
pub async fn seen_by_kafka(options: &Options, topics: &Topics) -> Result<Vec<Seen>, Error> {
    loop {
        let (options, topics) = (options.clone(), topics.clone());
        let read = tokio::task::spawn_blocking(move || last_messages(&options, &topics));
        match read.await.unwrap_or(Err(KafkaError::Canceled.into())) {
            Err(Error::Kafka(error)) if is_away(&error) => {
                tracing::warn!(%error, "waiting for Kafka's last messages");
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

fn last_messages(options: &Options, topics: &Topics) -> Result<Vec<Seen>, Error> {
    let kafka: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &options.brokers)
        // It joins no group; without a name it could not be given partitions at all.
        .set(
            "group.id",
            format!("{}-last-messages", options.topic_prefix),
        )
        .set("enable.auto.commit", "false")
        .set("auto.offset.reset", "error")
        .create()?;
    let mut wanted = HashMap::new();
    let mut places = TopicPartitionList::new();
    for (context, of) in topics.all() {
        let name = topic(&options.topic_prefix, &context, of.generation);
        if !exists(&kafka, &name)? {
            continue;
        }
        for partition in 0..of.partitions.cast_signed() {
            let (first, end) = kafka.fetch_watermarks(&name, partition, ANSWER_LIMIT)?;
            if end > first {
                places.add_partition_offset(&name, partition, Offset::Offset(end - 1))?;
                wanted.insert((name.clone(), partition), end - 1);
            }
        }
    }
    kafka.assign(&places)?;
    let deadline = Instant::now() + ANSWER_LIMIT;
    let mut seen = Vec::new();
    while !wanted.is_empty() {
        if Instant::now() >= deadline {
            return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut).into());
        }
        let Some(message) = kafka.poll(POLL) else {
            continue;
        };
        let message = message?;
        let place = (message.topic().to_owned(), message.partition());
        if wanted.remove(&place).is_none() {
            continue;
        }
        let relayed = message::read(&message)?;
        seen.push(Seen {
            by: format!("Kafka's topic {}[{}]", place.0, place.1),
            epoch: relayed.epoch,
            position: relayed.event.position,
            event_id: Some(relayed.event.event_id),
        });
    }
    Ok(seen)
}

fn exists(kafka: &BaseConsumer, topic: &str) -> Result<bool, KafkaError> {
    let metadata = kafka.fetch_metadata(Some(topic), ANSWER_LIMIT)?;
    let found = metadata.topics().iter().find(|of| of.name() == topic);
    match found.and_then(|found| found.error()) {
        None => Ok(found.is_some()),
        Some(error) => match RDKafkaErrorCode::from(error) {
            RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic => Ok(false),
            code => Err(KafkaError::MetadataFetch(code)),
        },
    }
}
