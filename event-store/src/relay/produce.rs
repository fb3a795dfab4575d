//! Sending events to Kafka, in order, without a gap.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rdkafka::ClientConfig;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::deliveries::{Deliveries, UnderWay};
use super::lead::{Partition, Reached};
use super::{Error, Options, measure, spans};
use crate::log::Topics;
use crate::message::{headers_below, topic};
use crate::read::Page;
use crate::recorded::Position;
use crate::trace::Span;

/// How long Kafka may take for a batch before the relay looks after its topics and sends it again by
/// a new producer: one whose topic was deleted and made anew meanwhile may wait for ever.
const DELIVERY_LIMIT: Duration = Duration::from_secs(15);

/// An idempotent producer of the log's topics, for one lead: what it has under way when it is
/// dropped is taken back, or is a duplicate.
pub(super) struct Producer {
    kafka: ThreadedProducer<Deliveries>,
    /// The topic of each context.
    topics: HashMap<Arc<str>, String>,
}

/// A page that was sent.
pub(super) struct Sent {
    messages: Arc<UnderWay>,
    /// When its first event was recorded.
    oldest: DateTime<Utc>,
    /// Of messages whose trace is sampled.
    spans: Vec<Span>,
    /// How far the relay is when Kafka has all of it.
    pub(super) reached: Reached,
}

impl Sent {
    /// Kafka has all of it.
    pub(super) fn acknowledged(&mut self) {
        measure::acknowledged(self.oldest, self.reached.messages);
        self.spans.clear();
    }
}

impl Producer {
    pub(super) fn new(options: &Options, topics: &Topics) -> Result<Self, KafkaError> {
        let kafka = ClientConfig::new()
            .set("bootstrap.servers", &options.brokers)
            // Up to five requests are under way for a broker, and come in order nonetheless.
            .set("enable.idempotence", "true")
            .set("acks", "all")
            // One message waits for no other; while requests are under way the others gather.
            .set("linger.ms", "1")
            // A broker whose heap is small sets requests of half a megabyte apart from all else,
            // and collects its garbage again and again.
            .set("batch.size", "131072")
            // A message never times out: one that did, with later ones delivered, would be a hole.
            // While Kafka is away the relay waits.
            .set("message.timeout.ms", "0")
            // For the same reason a message that Kafka refuses is the last one.
            .set("enable.gapless.guarantee", "true")
            .set("message.max.bytes", "8000000")
            // A topic that was deleted is noticed soon.
            .set("topic.metadata.refresh.interval.ms", "5000")
            .set("topic.metadata.propagation.max.ms", "5000")
            .create_with_context(Deliveries::default())?;
        let named = topics.all().into_iter().map(|(context, of)| {
            let name = topic(&options.topic_prefix, &context, of.generation);
            (Arc::from(context), name)
        });
        Ok(Self {
            kafka,
            topics: named.collect(),
        })
    }

    /// Hands the events of `page` to the producer, which keeps their order. `previous` holds the
    /// last position sent to each partition, and is brought up to date.
    ///
    /// # Errors
    /// When the page can't be read, or the producer refuses; some of it may be sent by then.
    pub(super) fn send(
        &self,
        page: &Page,
        epoch: Uuid,
        previous: &mut HashMap<Partition, Position>,
    ) -> Result<Sent, Error> {
        let messages = UnderWay::of(page.len());
        let mut partitions = HashMap::new();
        let (mut oldest, mut spans) = (None, Vec::new());
        for event in page.events() {
            let event = event?;
            oldest.get_or_insert(event.recorded_at);
            // An event of a context that this relay does not know is an error, never skipped.
            let (context, topic) = self.topics.get_key_value(event.context()).ok_or_else(|| {
                KafkaError::Subscription(format!("no topic of {}", event.context()))
            })?;
            let partition = (Arc::clone(context), event.partition);
            partitions.insert(partition.clone(), event.position);
            let before = previous.insert(partition, event.position).unwrap_or(0);
            let span = spans::sent(&event, topic);
            let trace = span.as_ref().map(Span::traceparent);
            spans.extend(span);
            let mut key = [0; Hyphenated::LENGTH];
            let key = event.aggregate_id.hyphenated().encode_lower(&mut key);
            let record = BaseRecord::with_opaque_to(topic, Arc::clone(&messages))
                .partition(event.partition)
                .key(&*key)
                .payload(event.payload)
                .headers(headers_below(&event, epoch, before, trace.as_deref()));
            self.kafka.send(record).map_err(|(error, _)| error)?;
        }
        Ok(Sent {
            messages,
            oldest: oldest.unwrap_or_else(Utc::now),
            spans,
            reached: Reached {
                position: page.last(),
                messages: page.len(),
                partitions,
            },
        })
    }

    /// Waits until Kafka has all of `sent`.
    ///
    /// # Errors
    /// When Kafka refuses any message, this one or another, or does not answer for long.
    pub(super) async fn wait(&self, sent: &Sent) -> Result<(), KafkaError> {
        let waited = self.kafka.context().wait(&sent.messages);
        let waited = tokio::time::timeout(DELIVERY_LIMIT, waited).await;
        let late = KafkaError::MessageProduction(RDKafkaErrorCode::MessageTimedOut);
        waited.unwrap_or(Err(late))
    }

    /// Whether Kafka has all of `sent`.
    ///
    /// # Errors
    /// As [`Self::wait`].
    pub(super) fn has(&self, sent: &Sent) -> Result<bool, KafkaError> {
        self.kafka.context().all_of(&sent.messages)
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.kafka.context().end();
    }
}
