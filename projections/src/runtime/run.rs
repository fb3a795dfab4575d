//! The projector: batches from a source, one transaction a partition and batch.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use event_store::Position;
use event_store::database::is_away;
use event_store::relay::{seen_by_kafka, topics};
use event_store::seen::{self, Seen};
use event_store::{Log, RecordedEvent};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::apply::ApplyError;
use super::from_kafka::KafkaOptions;
use super::projection::Registered;
use super::slot::Slot;
use super::{Delivered, READ, checkpoint, first, from_kafka, from_log, tail};
use crate::rebuild;

/// The most events taken from a source at once.
const BATCH: usize = 1_000;
/// The most events read ahead.
const AHEAD: usize = 4_000;
/// How long the projector waits before it tries again what is away.
const PAUSE: Duration = Duration::from_millis(500);

/// Where events come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// The relay's messages.
    Kafka(KafkaOptions),
    /// The log itself.
    Log,
}

/// Why a projector stopped. What is merely away is waited for, and is none of these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A batch can't be applied.
    #[error("{projection}: {source}")]
    Apply {
        /// The projection.
        projection: &'static str,
        /// Why.
        source: ApplyError,
    },
    /// The database refuses.
    #[error("the projector's database: {0}")]
    Database(#[from] sqlx::Error),
    /// The log can't be read on.
    #[error("the projector: {0}")]
    Read(#[from] event_store::read::Error),
    /// Kafka refuses, or its topics are not as the log has them.
    #[error(transparent)]
    Relay(#[from] event_store::relay::Error),
    /// Kafka refuses.
    #[error("Kafka: {0}")]
    Kafka(#[from] rdkafka::error::KafkaError),
    /// A message is not one of the relay's.
    #[error(transparent)]
    Unreadable(#[from] event_store::message::UnreadableMessage),
    /// Personal data can't be opened.
    #[error(transparent)]
    Personal(#[from] event_store::personal::Error),
    /// Messages are missing.
    #[error(
        "{context}[{partition}]: the message at position {expected} is missing; {found}. The projector stops rather than leave a hole: rebuild its projections from the log"
    )]
    Missing {
        /// The context of the topic.
        context: String,
        /// The partition.
        partition: i32,
        /// The position that should have come.
        expected: Position,
        /// What came instead.
        found: String,
    },
    /// The events are of another log than what was projected.
    #[error(
        "{context}[{partition}]: events come from another log than the one that was projected: rebuild every projection"
    )]
    OtherLog {
        /// The context of the topic.
        context: String,
        /// The partition.
        partition: i32,
    },
    /// A table that was never projected can't be built.
    #[error("building its first table: {0}")]
    Rebuild(#[from] rebuild::Error),
    /// The log is not the one that was projected or relayed, or is older.
    #[error(transparent)]
    Restored(#[from] seen::Error),
}

/// Projects until `stop`: what `source` brings, with `projections`, into the database of `read`.
///
/// # Errors
/// See [`Error`].
pub async fn run(
    log: Log,
    read: PgPool,
    projections: Vec<Registered>,
    source: Source,
    stop: CancellationToken,
) -> Result<(), Error> {
    let projector = Projector {
        log,
        read,
        projections: projections.into(),
    };
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        done = projector.project(source) => done,
    }
}

/// What the read tables in the database of `read` were made from, all of them.
///
/// # Errors
/// When the database is away, or was never migrated.
pub async fn seen_by_read_tables(read: &PgPool) -> Result<Vec<Seen>, sqlx::Error> {
    checkpoint::seen(read).await
}

/// What the parts of a projector share.
#[derive(Clone)]
pub(super) struct Projector {
    pub(super) log: Log,
    pub(super) read: PgPool,
    pub(super) projections: Arc<[Registered]>,
}

impl Projector {
    async fn project(self, source: Source) -> Result<(), Error> {
        self.retry(|| self.prepare()).await?;
        first::build(&self).await?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        match source {
            Source::Log => {
                tokio::try_join!(from_log::read(&self, sender), self.consume(receiver))?;
            }
            Source::Kafka(options) => {
                topics::ensure(&options.topics(), self.log.topics()).await?;
                self.retry(|| self.check_kafka(&options)).await?;
                let (consumer, ended) = from_kafka::start(&self, &options, sender).await?;
                tokio::try_join!(
                    self.consume(receiver),
                    tail::watch(&self, &options, &consumer),
                    ended.wait(),
                )?;
            }
        }
        Ok(())
    }

    /// Begins the tables of an empty log, and refuses a log that is not the one projected so far.
    async fn prepare(&self) -> Result<(), Error> {
        let partitions: Vec<(String, u32)> = self
            .log
            .topics()
            .all()
            .into_iter()
            .map(|(context, topic)| (context, topic.partitions))
            .collect();
        let epoch = self.log.epoch();
        if self.log.head().await? == 0 {
            checkpoint::ensure(&self.read, &self.projections, &partitions, epoch).await?;
        }
        seen::check(self.log.pool(), &checkpoint::seen(&self.read).await?).await?;
        Ok(())
    }

    /// Refuses a log that Kafka knows better: read tables that were restored together with the log
    /// would be given events that it has no more.
    async fn check_kafka(&self, options: &KafkaOptions) -> Result<(), Error> {
        let seen = seen_by_kafka(&options.topics(), self.log.topics()).await?;
        Ok(seen::check(self.log.pool(), &seen).await?)
    }

    async fn consume(&self, mut receiver: mpsc::Receiver<Delivered>) -> Result<(), Error> {
        let mut taken = Vec::with_capacity(BATCH);
        while receiver.recv_many(&mut taken, BATCH).await > 0 {
            self.open(&mut taken).await?;
            let mut partitions: BTreeMap<(String, i32), Vec<Delivered>> = BTreeMap::new();
            for delivered in taken.drain(..) {
                let event = &delivered.event;
                let partition = (event.context().to_owned(), event.partition);
                partitions.entry(partition).or_default().push(delivered);
            }
            for ((context, partition), batch) in &partitions {
                self.retry(|| self.apply(context, *partition, batch))
                    .await?;
            }
        }
        Ok(())
    }

    /// Opens what is personal, once for all projections. Waits while the database of the keys is
    /// away.
    async fn open(&self, taken: &mut [Delivered]) -> Result<(), Error> {
        loop {
            let events = taken.iter_mut().map(|delivered| &mut delivered.event);
            match self.log.keyring().open_events(events).await {
                Err(error) if error.is_away() => {
                    tracing::warn!(%error, "the projector waits for the persons' keys");
                    tokio::time::sleep(PAUSE).await;
                }
                done => return Ok(done?),
            }
        }
    }

    /// Applies a batch of one partition to every projection of its context.
    async fn apply(&self, context: &str, partition: i32, batch: &[Delivered]) -> Result<(), Error> {
        let Some(last) = batch.last() else {
            return Ok(());
        };
        let mut tx = self.read.begin().await?;
        let watermarks = checkpoint::lock(&mut tx, context, partition).await?;
        let mut moved = Vec::new();
        for projection in self.projections.iter().filter(|one| one.context == context) {
            let version = (projection.name.to_owned(), projection.version);
            let Some(watermark) = watermarks.get(&version) else {
                continue;
            };
            let new = new_events(watermark, batch)?;
            if !new.is_empty() {
                let relation = projection.relation(Slot::Live);
                let applied = (projection.apply)(&mut tx, &relation, &new).await;
                applied.map_err(|source| Error::Apply {
                    projection: projection.name,
                    source,
                })?;
                let count = new.len() as u64;
                metrics::counter!("comptoir_projector_events_total", "projection" => projection.name).increment(count);
            }
            moved.push(*projection);
        }
        checkpoint::advance(&mut tx, (context, partition), &moved, last).await?;
        sqlx::query("SELECT pg_notify($1, '')")
            .bind(READ)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        let labels = [
            ("context", context.to_owned()),
            ("partition", partition.to_string()),
        ];
        metrics::gauge!("comptoir_projector_position", &labels).set(last.event.position as f64);
        Ok(())
    }

    /// Tries `step` until the database is there.
    async fn retry<F>(&self, step: impl Fn() -> F) -> Result<(), Error>
    where
        F: Future<Output = Result<(), Error>>,
    {
        loop {
            match step().await {
                Err(error) if error.is_away() => {
                    tracing::warn!(%error, "the projector waits for its database");
                    tokio::time::sleep(PAUSE).await;
                }
                done => return done,
            }
        }
    }
}

/// The events of `batch` that a projection has not seen. One that does not follow on from what it
/// has seen means that messages are missing.
fn new_events(
    watermark: &checkpoint::Watermark,
    batch: &[Delivered],
) -> Result<Vec<RecordedEvent>, Error> {
    let mut seen = watermark.position;
    let mut new = Vec::new();
    for delivered in batch {
        let event = &delivered.event;
        let (context, partition) = (event.context().to_owned(), event.partition);
        if delivered.epoch != watermark.epoch {
            return Err(Error::OtherLog { context, partition });
        }
        if event.position <= seen {
            metrics::counter!("comptoir_projector_duplicates_total").increment(1);
            continue;
        }
        if let Some(previous) = delivered.previous
            && previous > seen
        {
            return Err(Error::Missing {
                context,
                partition,
                expected: previous,
                found: format!("position {} came after {seen}", event.position),
            });
        }
        seen = event.position;
        new.push(event.clone());
    }
    Ok(new)
}

impl Error {
    /// Whether the database can't be reached now, and may be later.
    pub(super) fn is_away(&self) -> bool {
        match self {
            Self::Database(error)
            | Self::Apply {
                source: ApplyError::Database(error),
                ..
            } => is_away(error),
            Self::Restored(error) => error.is_away(),
            _ => false,
        }
    }
}
