//! The source that is Kafka: a consumer of the contexts' topics. Its group only shares out
//! partitions; where to read on is in PostgreSQL, beside the rows.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use event_store::message::{self, topic};
use event_store::relay;
use rdkafka::client::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::checkpoint;
use super::claims::Claims;
use super::delivered::{ByKafka, Delivered, Place};
use super::run::{Error, Projector};

const POLL: Duration = Duration::from_millis(100);
/// The most messages that are handed on together.
const CHUNK: usize = 1_000;

/// How a projector reaches Kafka.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// Kafka's `bootstrap.servers`.
    pub brokers: String,
    /// What topic names and the consumer group begin with, `comptoir` unless told otherwise.
    pub topic_prefix: String,
    /// How many copies Kafka keeps of each topic.
    pub replication: i32,
}

impl KafkaOptions {
    pub(super) fn topics(&self) -> relay::Options {
        relay::Options {
            brokers: self.brokers.clone(),
            topic_prefix: self.topic_prefix.clone(),
            replication: self.replication,
        }
    }
}

/// A consumer on a thread of its own; it ends when this is dropped.
pub(super) struct Consumer {
    pub(super) kafka: Arc<BaseConsumer<Placement>>,
    pub(super) claims: Arc<Claims>,
    _stop: DropGuard,
}

/// Starts the thread that consumes.
pub(super) async fn start(
    projector: &Projector,
    claims: Arc<Claims>,
    options: &KafkaOptions,
    sender: mpsc::Sender<Vec<Delivered>>,
) -> Result<(Consumer, Ended), Error> {
    let contexts: BTreeMap<String, String> = projector
        .log
        .topics()
        .all()
        .into_iter()
        .map(|(context, of)| {
            (
                topic(&options.topic_prefix, &context, of.generation),
                context,
            )
        })
        .collect();
    let placement = Placement {
        projector: projector.clone(),
        claims: Arc::clone(&claims),
        contexts: contexts.clone(),
        runtime: Handle::current(),
        failed: Mutex::new(None),
    };
    let kafka: BaseConsumer<Placement> = ClientConfig::new()
        .set("bootstrap.servers", &options.brokers)
        .set("group.id", claims.group())
        .set("enable.auto.commit", "false")
        // Where an offset is not there (a topic made anew, retention) all that is there is read. What
        // is missing is noticed, and what comes again counts once.
        .set("auto.offset.reset", "earliest")
        // A topic that was made anew is found soon.
        .set("topic.metadata.refresh.interval.ms", "5000")
        .set("queued.max.messages.kbytes", "32768")
        .set("session.timeout.ms", "6000")
        .set("heartbeat.interval.ms", "2000")
        .set("fetch.wait.max.ms", "100")
        .set("fetch.queue.backoff.ms", "5")
        .set_log_level(RDKafkaLogLevel::Warning)
        .create_with_context(placement)?;
    let topics: Vec<&str> = contexts.keys().map(String::as_str).collect();
    kafka.subscribe(&topics)?;
    let kafka = Arc::new(kafka);
    let stop = CancellationToken::new();
    let (end, ended) = oneshot::channel();
    let (consumer, stopped) = (Arc::clone(&kafka), stop.clone());
    std::thread::Builder::new()
        .name("kafka-consumer".to_owned())
        .spawn(move || {
            // Nobody is left to tell when the projector ended first.
            let _gone = end.send(consume(&consumer, &sender, &stopped));
        })
        .map_err(|error| KafkaError::ClientCreation(error.to_string()))?;
    let consumer = Consumer {
        kafka,
        claims,
        _stop: stop.drop_guard(),
    };
    Ok((consumer, Ended(ended)))
}

/// The end of the consumer's thread.
pub(super) struct Ended(oneshot::Receiver<Result<(), Error>>);

impl Ended {
    /// Waits for the thread; it ends before it is told to only by an error.
    pub(super) async fn wait(self) -> Result<(), Error> {
        self.0
            .await
            .unwrap_or_else(|_| Err(KafkaError::Canceled.into()))
    }
}

fn consume(
    kafka: &BaseConsumer<Placement>,
    sender: &mpsc::Sender<Vec<Delivered>>,
    stop: &CancellationToken,
) -> Result<(), Error> {
    let mut chunk = Vec::new();
    while !stop.is_cancelled() {
        // What is there already is sent before the next one is waited for.
        let wait = if chunk.is_empty() {
            POLL
        } else {
            Duration::ZERO
        };
        let polled = kafka.poll(wait);
        if let Some(error) = kafka.context().failure() {
            return Err(error.into());
        }
        let ended = polled.is_none();
        match polled {
            None => {}
            Some(Err(error)) if passes(&error) => {
                tracing::warn!(%error, "the projector waits for Kafka");
            }
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(message)) => chunk.extend(delivered(kafka.context(), &message)?),
        }
        let full = chunk.len() >= CHUNK || (ended && !chunk.is_empty());
        if full && sender.blocking_send(std::mem::take(&mut chunk)).is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The event of `message`; none when its partition was taken away meanwhile.
fn delivered(
    placement: &Placement,
    message: &BorrowedMessage<'_>,
) -> Result<Option<Delivered>, Error> {
    let relayed = message::read(message)?;
    let (context, partition) = (relayed.event.context(), message.partition());
    let Some(claim) = placement.claims.to(context, partition) else {
        return Ok(None);
    };
    Ok(Some(Delivered {
        epoch: relayed.epoch,
        message: Some(ByKafka {
            previous: relayed.previous,
            next_offset: message.offset() + 1,
            claim,
        }),
        trace: relayed.trace,
        event: relayed.event,
        closed: None,
    }))
}

/// Whether Kafka gets over `error` by itself.
fn passes(error: &KafkaError) -> bool {
    relay::topics::is_away(error)
        || matches!(
            error.rdkafka_error_code(),
            Some(RDKafkaErrorCode::PollExceeded | RDKafkaErrorCode::RebalanceInProgress)
        )
}

/// Places a consumer at the offsets that PostgreSQL has for the partitions it is given.
pub(super) struct Placement {
    projector: Projector,
    claims: Arc<Claims>,
    /// The contexts by topic.
    contexts: BTreeMap<String, String>,
    runtime: Handle,
    /// Why partitions could not be taken: without them nothing would come, and nobody be told.
    failed: Mutex<Option<KafkaError>>,
}

impl ClientContext for Placement {}

impl ConsumerContext for Placement {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let outcome = match kind {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self
                .place(partitions)
                .and_then(|()| consumer.assign(partitions)),
            _ => {
                self.claims.drop_all();
                consumer.unassign()
            }
        };
        match outcome {
            Ok(()) => tracing::info!(partitions = partitions.count(), ?kind, "rebalanced"),
            Err(error) => {
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                *failed = Some(error);
            }
        }
    }
}

impl Placement {
    fn failure(&self) -> Option<KafkaError> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.take()
    }

    /// Claims the partitions, and only then learns how far they are. Runs on the consumer's own
    /// thread, so it may block.
    fn place(&self, partitions: &mut TopicPartitionList) -> KafkaResult<()> {
        let elements = partitions.elements();
        let places = elements.iter().map(|one| {
            let context = self.contexts.get(one.topic()).cloned().unwrap_or_default();
            let partition = one.partition();
            (one.topic().to_owned(), Place { context, partition })
        });
        let places: Vec<(String, Place)> = places.collect();
        let claimed: Vec<Place> = places.iter().map(|(_, place)| place.clone()).collect();
        let progress = self.runtime.block_on(self.claim(&claimed));
        for (topic, place) in places {
            let reached = progress.get(&place);
            let next = reached.and_then(|reached| reached.next_offset);
            let offset = next.map_or(Offset::Beginning, Offset::Offset);
            partitions.set_partition_offset(&topic, place.partition, offset)?;
        }
        Ok(())
    }

    async fn claim(&self, places: &[Place]) -> BTreeMap<Place, checkpoint::Progress> {
        let Projector {
            read, projections, ..
        } = &self.projector;
        loop {
            let claimed = self.claims.take(read, places).await;
            let progress = match claimed {
                Ok(()) => checkpoint::progress(read, projections).await,
                Err(error) => Err(error),
            };
            match progress {
                Ok(progress) => return progress,
                Err(error) => {
                    tracing::warn!(%error, "waiting to learn where to read on");
                    tokio::time::sleep(POLL).await;
                }
            }
        }
    }
}
