//! rdkafka alone: an idempotent producer of messages that are ready, and a consumer that counts.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use event_store::message::{headers, topic};
use event_store::read::LogReader;
use event_store::relay;
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::ours::Ours;
use super::window::Window;

/// How long the producer waits when its queue is full.
const FULL: Duration = Duration::from_millis(1);
const POLL: Duration = Duration::from_millis(100);
/// Every so many messages it is looked how many are acknowledged.
const LOOK: usize = 256;

/// A message that is ready to be sent.
pub(super) struct Message {
    topic: String,
    partition: i32,
    key: String,
    payload: String,
    headers: OwnedHeaders,
}

/// The messages that the relay makes of the log.
pub(super) async fn messages(ours: &Ours, to: &relay::Options) -> anyhow::Result<Vec<Message>> {
    let log = ours.log();
    let mut reader = LogReader::new(ours.pool(), 0);
    let mut previous = HashMap::new();
    let mut messages = Vec::new();
    while let Some(page) = reader.next().await? {
        for event in page.to_owned_events()? {
            let place = (event.context().to_owned(), event.partition);
            let before = previous.insert(place, event.position).unwrap_or(0);
            messages.push(Message {
                topic: topic(&to.topic_prefix, event.context(), 1),
                partition: event.partition,
                key: event.aggregate_id.to_string(),
                headers: headers(&event, log.epoch(), before),
                payload: event.payload,
            });
        }
    }
    Ok(messages)
}

/// Counts what Kafka has acknowledged.
#[derive(Default)]
struct Acknowledged {
    messages: AtomicU64,
    refused: AtomicU64,
}

impl ClientContext for Acknowledged {}

impl ProducerContext for Acknowledged {
    type DeliveryOpaque = ();

    fn delivery(&self, delivered: &DeliveryResult<'_>, (): ()) {
        let counted = match delivered {
            Ok(_) => &self.messages,
            Err(_) => &self.refused,
        };
        counted.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends all of `messages`; gives how many a second Kafka acknowledged.
///
/// # Errors
/// When Kafka refuses one.
pub(super) fn produce(brokers: &str, messages: Vec<Message>) -> anyhow::Result<f64> {
    let kafka: ThreadedProducer<Acknowledged> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .create_with_context(Acknowledged::default())?;
    // Connections are made, and the topics known, before it begins.
    for topic in messages.iter().map(|message| &message.topic).take(1) {
        kafka.client().fetch_metadata(Some(topic), POLL * 50)?;
    }
    let mut window = Window::of(messages.len() as f64);
    let acknowledged = || kafka.context().messages.load(Ordering::Relaxed) as f64;
    for (number, message) in messages.into_iter().enumerate() {
        let mut record = BaseRecord::to(&message.topic)
            .partition(message.partition)
            .key(&message.key)
            .payload(&message.payload)
            .headers(message.headers);
        while let Err((error, back)) = kafka.send(record) {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                return Err(error.into());
            }
            record = back;
            std::thread::sleep(FULL);
        }
        if number % LOOK == 0
            && let Some(rate) = window.look(acknowledged())
        {
            return Ok(rate);
        }
    }
    loop {
        if let Some(rate) = window.look(acknowledged()) {
            return Ok(rate);
        }
        let refused = kafka.context().refused.load(Ordering::Relaxed);
        ensure!(refused == 0, "Kafka refused {refused} messages");
        std::thread::sleep(FULL);
    }
}

/// Reads `count` messages of the topics of `from`; gives how many a second.
///
/// # Errors
/// When Kafka refuses.
pub(super) fn consume(ours: &Ours, from: &relay::Options, count: u64) -> anyhow::Result<f64> {
    let kafka: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", &from.brokers)
        .set("group.id", format!("{}-bare", from.topic_prefix))
        .set("enable.auto.commit", "false")
        .create()?;
    let mut places = TopicPartitionList::new();
    for (context, of) in ours.log().topics().all() {
        let name = topic(&from.topic_prefix, &context, of.generation);
        for partition in 0..of.partitions.cast_signed() {
            places.add_partition_offset(&name, partition, Offset::Beginning)?;
        }
    }
    kafka.assign(&places)?;
    let (mut begun, mut read, mut bytes) = (None, 0, 0);
    while read < count {
        match kafka.poll(POLL) {
            None => {}
            Some(Err(KafkaError::PartitionEOF(_))) => {}
            Some(Err(error)) => bail!(error),
            Some(Ok(message)) => {
                begun.get_or_insert_with(Instant::now);
                read += 1;
                bytes += message.payload_len();
            }
        }
    }
    std::hint::black_box(bytes);
    let begun = begun.unwrap_or_else(Instant::now);
    Ok(read as f64 / begun.elapsed().as_secs_f64())
}
