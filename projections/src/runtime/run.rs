//! The projector: batches from a source, each of the rows and watermarks of some partitions in one
//! transaction.

use std::slice;
use std::sync::Arc;
use std::time::Duration;

use event_store::Log;
use event_store::Position;
use event_store::database::{is_away, passes};
use event_store::relay::{seen_by_kafka, topics};
use event_store::seen::{self, Seen};
use sqlx::PgPool;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::apply::ApplyError;
use super::batch::{self, How, Outcome};
use super::claims::{self, Claims};
use super::delivered::{Batch, Delivered};
use super::express::Express;
use super::from_kafka::KafkaOptions;
use super::projection::Registered;
use super::{checkpoint, first, from_kafka, from_log, holes, measure, open, tail};
use crate::rebuild;

/// The most chunks of events between a source and those who apply them.
const AHEAD: usize = 4;
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
    /// Messages are missing, and not in the log either.
    #[error(
        "{context}[{partition}]: messages up to position {position} are missing, and the log has no such event: it is not the log that was relayed"
    )]
    Missing {
        /// The context of the topic.
        context: String,
        /// The partition.
        partition: i32,
        /// The last position that should be there.
        position: Position,
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
    let claims = match &source {
        Source::Kafka(options) => {
            let group = claims::group(&options.topic_prefix, &projections);
            Some(Arc::new(Claims::of(group)))
        }
        Source::Log => None,
    };
    let projector = Projector {
        express: Express::to(&read),
        log,
        read,
        projections: projections.into(),
        claims,
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
    express: Express,
    pub(super) projections: Arc<[Registered]>,
    /// Of a projector that reads Kafka.
    pub(super) claims: Option<Arc<Claims>>,
}

/// Whether a batch counts.
pub(super) enum Settled {
    /// It does.
    Done,
    /// Its partition is another projector's by now, who reads it again.
    Lost,
}

impl Projector {
    async fn project(self, source: Source) -> Result<(), Error> {
        measure::begin(&self.projections);
        self.retry(|| self.prepare()).await?;
        first::build(&self).await?;
        let (sender, receiver) = mpsc::channel(AHEAD);
        match (source, &self.claims) {
            (Source::Kafka(options), Some(claims)) => {
                topics::ensure(&options.topics(), self.log.topics()).await?;
                self.retry(|| self.check_kafka(&options)).await?;
                let (consumer, ended) =
                    from_kafka::start(&self, Arc::clone(claims), &options, sender).await?;
                tokio::try_join!(
                    self.consume(receiver),
                    tail::watch(&self, &options, &consumer),
                    ended.wait(),
                )?;
            }
            _ => {
                tokio::try_join!(self.consume(receiver), from_log::read(&self, sender),)?;
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

    /// Opens what is personal in `events`. Waits while the database of the keys is away.
    pub(super) async fn open(&self, events: &mut [Delivered]) -> Result<(), Error> {
        loop {
            match open::open(self.log.keyring(), events).await {
                Err(error) if error.is_away() => {
                    tracing::warn!(%error, "the projector waits for the persons' keys");
                    tokio::time::sleep(PAUSE).await;
                }
                done => return Ok(done?),
            }
        }
    }

    /// Applies `batches`, of a partition each: in one transaction, or where something is the matter
    /// with any of them each by itself.
    pub(super) async fn settle_all(&self, batches: &[Batch<'_>]) -> Result<(), Error> {
        match self.express.attempt(self, batches).await {
            Ok(()) => return Ok(()),
            Err(why) => {
                metrics::counter!("comptoir_projector_careful_batches_total").increment(1);
                tracing::debug!(%why, "batches are applied the careful way");
            }
        }
        let together = || batch::attempt(self, batches, How::default());
        if batches.len() > 1
            && let Outcome::Done = self.retry(together).await?
        {
            return Ok(());
        }
        for batch in batches {
            self.settle(*batch, How::default()).await?;
        }
        Ok(())
    }

    /// Applies `batch`, and what is missing in it where it is missing.
    pub(super) async fn settle(&self, batch: Batch<'_>, how: How<'_>) -> Result<Settled, Error> {
        let (mut batch, mut how) = (batch, how);
        loop {
            match self
                .retry(|| batch::attempt(self, slice::from_ref(&batch), how))
                .await?
            {
                Outcome::Done => return Ok(Settled::Done),
                Outcome::Refused => how.careful = true,
                Outcome::Hole(index, hole) => {
                    let (events, behind) = batch.events.split_at(index);
                    let before = Batch { events, ..batch };
                    if index > 0
                        && let Settled::Lost = Box::pin(self.settle(before, how)).await?
                    {
                        return Ok(Settled::Lost);
                    }
                    let filled = holes::fill(self, batch.place, batch.claim, &hole).await?;
                    if let Settled::Lost = filled {
                        return Ok(Settled::Lost);
                    }
                    batch.events = behind;
                }
                Outcome::Lost => {
                    metrics::counter!("comptoir_projector_batches_lost_total").increment(1);
                    let (place, events) = (batch.place, batch.events.len());
                    tracing::warn!(%place, events, "another projector has the partition: a batch is dropped");
                    return Ok(Settled::Lost);
                }
            }
        }
    }

    /// Tries `step` until the database is there.
    pub(super) async fn retry<T, F>(&self, step: impl Fn() -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
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

impl Error {
    /// Whether the database can't be reached now, or can't do it now, and may later.
    pub(super) fn is_away(&self) -> bool {
        match self {
            Self::Database(error)
            | Self::Apply {
                source: ApplyError::Database(error),
                ..
            } => is_away(error) || passes(error),
            Self::Restored(error) => error.is_away(),
            _ => false,
        }
    }
}
