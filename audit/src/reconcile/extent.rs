//! What Kafka has of each place: which offsets, as they are at the start.

use std::time::{Duration, Instant};

use event_store::relay::{Options, topics::is_away};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::Error;
use super::places::Place;

const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// How long a Kafka that does not answer is waited for.
const AWAY_LIMIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(250);

/// The offsets of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The first one that is there.
    pub(super) low: i64,
    /// Where it was read from: the first, or one of a later time.
    pub(super) start: i64,
    /// The one after the last.
    pub(super) high: i64,
}

/// A consumer that belongs to no group and commits nothing.
pub(super) fn consumer(options: &Options) -> Result<BaseConsumer, KafkaError> {
    ClientConfig::new()
        .set("bootstrap.servers", &options.brokers)
        // It joins no group; without a name it could not be given partitions at all.
        .set("group.id", format!("{}-reconcile", options.topic_prefix))
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("enable.partition.eof", "true")
        // All that is in a topic is looked at.
        .set("isolation.level", "read_uncommitted")
        // What retention takes meanwhile is passed over, and noticed.
        .set("auto.offset.reset", "earliest")
        // Of each partition by itself.
        .set("queued.max.messages.kbytes", "2048")
        .set("fetch.wait.max.ms", "50")
        .create()
}

/// The extents of `places`, none where there is no such topic; read from what is as young as `since`
/// (milliseconds of the epoch) where that is given. Waits a while for a Kafka that is away.
pub(super) fn extents(
    kafka: &BaseConsumer,
    places: &[Place],
    since: Option<i64>,
) -> Result<Vec<Option<Extent>>, Error> {
    let deadline = Instant::now() + AWAY_LIMIT;
    loop {
        match attempt(kafka, places, since) {
            Err(Error::Kafka(error)) if is_away(&error) && Instant::now() < deadline => {
                tracing::debug!(%error, "waiting for Kafka");
                std::thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

fn attempt(
    kafka: &BaseConsumer,
    places: &[Place],
    since: Option<i64>,
) -> Result<Vec<Option<Extent>>, Error> {
    let mut extents = Vec::with_capacity(places.len());
    for of_topic in places.chunk_by(|one, other| one.topic == other.topic) {
        let Some(count) = partitions(kafka, &of_topic[0].topic)? else {
            extents.extend(of_topic.iter().map(|_| None));
            continue;
        };
        if count != of_topic.len() {
            return Err(Error::Partitions {
                topic: of_topic[0].topic.clone(),
                expected: of_topic.len(),
                actual: count,
            });
        }
        for place in of_topic {
            let (low, high) = watermarks(kafka, place)?;
            let start = low;
            extents.push(Some(Extent { low, start, high }));
        }
    }
    if let Some(since) = since {
        begin_later(kafka, places, &mut extents, since)?;
    }
    Ok(extents)
}

/// The first offset that a partition has, and the one after the last.
pub(super) fn watermarks(kafka: &BaseConsumer, place: &Place) -> Result<(i64, i64), KafkaError> {
    kafka.fetch_watermarks(&place.topic, place.partition, ANSWER_LIMIT)
}

fn partitions(kafka: &BaseConsumer, topic: &str) -> Result<Option<usize>, KafkaError> {
    let metadata = kafka.fetch_metadata(Some(topic), ANSWER_LIMIT)?;
    let Some(found) = metadata.topics().iter().find(|of| of.name() == topic) else {
        return Ok(None);
    };
    match found.error().map(RDKafkaErrorCode::from) {
        None => Ok(Some(found.partitions().len())),
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
            Ok(None)
        }
        Some(code) => Err(KafkaError::MetadataFetch(code)),
    }
}

fn begin_later(
    kafka: &BaseConsumer,
    places: &[Place],
    extents: &mut [Option<Extent>],
    since: i64,
) -> Result<(), KafkaError> {
    let mut times = TopicPartitionList::new();
    for (place, extent) in places.iter().zip(extents.iter()) {
        if extent.is_some() {
            times.add_partition_offset(&place.topic, place.partition, Offset::Offset(since))?;
        }
    }
    let found = kafka.offsets_for_times(times, ANSWER_LIMIT)?;
    for (place, extent) in places.iter().zip(extents) {
        let found = found.find_partition(&place.topic, place.partition);
        if let (Some(extent), Some(found)) = (extent, found) {
            found.error()?;
            extent.start = match found.offset() {
                Offset::Offset(offset) => offset.clamp(extent.low, extent.high),
                // Nothing is as young as that.
                _ => extent.high,
            };
        }
    }
    Ok(())
}
