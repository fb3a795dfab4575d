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
use rdkafka::message::Message as _;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::run::{Error, Projector};
use super::{Delivered, checkpoint};

const POLL: Duration = Duration::from_millis(100);

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
    _stop: DropGuard,
}

/// Starts the thread that consumes.
pub(super) async fn start(
    projector: &Projector,
    options: &KafkaOptions,
    sender: mpsc::Sender<Delivered>,
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
        contexts: contexts.clone(),
        runtime: Handle::current(),
        failed: Mutex::new(None),
    };
    let kafka: BaseConsumer<Placement> = ClientConfig::new()
        .set("bootstrap.servers", &options.brokers)
        .set("group.id", format!("{}-projector", options.topic_prefix))
        .set("enable.auto.commit", "false")
        // An offset that is not there (a topic made anew, retention) is an error, not a jump.
        .set("auto.offset.reset", "error")
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
    sender: &mpsc::Sender<Delivered>,
    stop: &CancellationToken,
) -> Result<(), Error> {
    while !stop.is_cancelled() {
        let polled = kafka.poll(POLL);
        if let Some(error) = kafka.context().failure() {
            return Err(error.into());
        }
        let message = match polled {
            None => continue,
            Some(Err(error)) if passes(&error) => {
                tracing::warn!(%error, "the projector waits for Kafka");
                continue;
            }
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(message)) => message,
        };
        let relayed = message::read(&message)?;
        let delivered = Delivered {
            epoch: relayed.epoch,
            previous: Some(relayed.previous),
            next_offset: Some(message.offset() + 1),
            event: relayed.event,
        };
        if sender.blocking_send(delivered).is_err() {
            return Ok(());
        }
    }
    Ok(())
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
            _ => consumer.unassign(),
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

    /// Runs on the consumer's own thread, so it may block.
    fn place(&self, partitions: &mut TopicPartitionList) -> KafkaResult<()> {
        let progress = self.runtime.block_on(self.progress());
        let places: Vec<(String, i32)> = partitions
            .elements()
            .iter()
            .map(|one| (one.topic().to_owned(), one.partition()))
            .collect();
        for (topic, partition) in places {
            let context = self.contexts.get(&topic).cloned().unwrap_or_default();
            let reached = progress.get(&(context, partition));
            let next = reached.and_then(|reached| reached.next_offset);
            let offset = next.map_or(Offset::Beginning, Offset::Offset);
            partitions.set_partition_offset(&topic, partition, offset)?;
        }
        Ok(())
    }

    async fn progress(&self) -> BTreeMap<(String, i32), checkpoint::Progress> {
        loop {
            let Projector {
                read, projections, ..
            } = &self.projector;
            match checkpoint::progress(read, projections).await {
                Ok(progress) => return progress,
                Err(error) => {
                    tracing::warn!(%error, "waiting to learn where to read on");
                    tokio::time::sleep(POLL).await;
                }
            }
        }
    }
}
