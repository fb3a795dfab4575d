//! The log: the one handle through which services append and read.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{PgPool, Row};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::append::{self, Parts, WriterError};
use crate::idempotency;
use crate::import;
use crate::load::{self, Reader, snapshot};
use crate::personal::{self, Erasure, Keyring};
use crate::recorded::Position;
use crate::statements;
use crate::wire::Target;

/// How a log is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The contexts whose events it takes.
    pub contexts: Vec<&'static str>,
    /// The partitions of the topic of a context that is new to the log.
    pub partitions: u32,
    /// What seals personal data on the way in and opens it on the way out.
    pub keyring: Keyring,
}

/// Why a log can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database is away or refuses.
    #[error("the log's database: {0}")]
    Database(#[from] sqlx::Error),
    /// Not all of its events are there yet.
    #[error(
        "an import into this log was begun and is not finished: run `comptoir audit import` again with the same export"
    )]
    Importing,
}

/// The log of one database.
#[derive(Clone, Debug)]
pub struct Log {
    pub(crate) pool: PgPool,
    pub(crate) reader: Reader,
    pub(crate) queue: append::Queue,
    keyring: Keyring,
    topics: Topics,
    epoch: Uuid,
}

/// The topics of the log's contexts.
#[derive(Clone, Debug)]
pub struct Topics(Arc<HashMap<String, Topic>>);

/// The topic of one context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topic {
    /// Which topic of this context it is; another partition count is another generation.
    pub generation: i32,
    /// How many partitions it has.
    pub partitions: u32,
}

impl Topics {
    /// How many partitions the topic of `context` has.
    pub fn partitions(&self, context: &str) -> Option<u32> {
        self.0.get(context).map(|topic| topic.partitions)
    }

    /// Every context and its topic, in the order of their names.
    pub fn all(&self) -> Vec<(String, Topic)> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .map(|(name, topic)| (name.clone(), *topic))
            .collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    /// Whether the database of `pool` has these topics still, and not another generation of them.
    pub(crate) async fn are_current(&self, pool: &PgPool) -> Result<bool, sqlx::Error> {
        let rows: Vec<(String, i32)> = sqlx::query_as("SELECT context, generation FROM topics")
            .fetch_all(pool)
            .await?;
        let same = |(context, topic): (&String, &Topic)| {
            rows.iter()
                .any(|(name, generation)| name == context && *generation == topic.generation)
        };
        Ok(self.0.iter().all(same))
    }

    /// The topics that the database of `pool` has for `contexts`, made when they are new.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn ensure(
        pool: &PgPool,
        contexts: &[&str],
        partitions: u32,
    ) -> Result<Self, sqlx::Error> {
        let count = i32::try_from(partitions).unwrap_or(i32::MAX);
        sqlx::query(
            "INSERT INTO topics (context, partitions) SELECT unnest($1::text[]), $2 \
             ON CONFLICT DO NOTHING",
        )
        .bind(contexts)
        .bind(count)
        .execute(pool)
        .await?;
        let rows = sqlx::query(
            "SELECT context, generation, partitions FROM topics WHERE context = ANY($1)",
        )
        .bind(contexts)
        .fetch_all(pool)
        .await?;
        let topics = rows.iter().map(|row| {
            let topic = Topic {
                generation: row.try_get("generation")?,
                partitions: row.try_get::<i32, _>("partitions")?.unsigned_abs(),
            };
            Ok((row.try_get("context")?, topic))
        });
        Ok(Self(Arc::new(topics.collect::<Result<_, sqlx::Error>>()?)))
    }
}

impl Log {
    /// Opens the log behind `pool` (see [`crate::database::pool`], schema `log`), and starts the
    /// task that commits; it ends with `stop`.
    ///
    /// # Errors
    /// When the database is away, or an import into the log is not finished.
    pub async fn open(
        pool: PgPool,
        options: &Options,
        stop: CancellationToken,
    ) -> Result<Self, OpenError> {
        // The epoch first: one that an import brings later is then another.
        let (epoch, _) = head(&pool).await?;
        if import::is_unfinished(&pool).await? {
            return Err(OpenError::Importing);
        }
        let topics = Topics::ensure(&pool, &options.contexts, options.partitions).await?;
        let target = Target::of(&pool.connect_options(), statements::SETTINGS);
        let keyring = options.keyring.clone();
        let reader = load::start(target.clone(), keyring.clone());
        let parts = Parts {
            target,
            reader: reader.clone(),
            snapshots: snapshot::start(pool.clone(), keyring.clone()),
            keyring: keyring.clone(),
            topics: topics.clone(),
            epoch,
        };
        Ok(Self {
            pool,
            reader,
            queue: append::start(parts, stop),
            keyring,
            topics,
            epoch,
        })
    }

    /// Waits until the task that writes has ended. Unless that was asked for, its process has to
    /// end too.
    ///
    /// # Errors
    /// Why it ended, when nobody asked for it.
    pub async fn written(&self) -> Result<(), WriterError> {
        self.queue.ended().await
    }

    /// Destroys the key to the personal data of `person`, and forgets the answers kept for that
    /// person's retries. This process forgets the key and every state that holds personal data at
    /// once, others within 60 seconds.
    ///
    /// # Errors
    /// When a database is away; done again it goes on.
    pub async fn erase(&self, person: Uuid) -> Result<Erasure, personal::Error> {
        let erasure = self.keyring.erase(&self.pool, person).await?;
        self.queue.forget_personal();
        Ok(erasure)
    }

    /// Forgets answers stored before `time`; gives how many.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn prune_answers(&self, time: DateTime<Utc>) -> Result<u64, sqlx::Error> {
        idempotency::prune(&self.pool, time).await
    }

    /// Brings the gauges of this process's writer up to date.
    pub fn measure(&self) {
        self.queue.measure();
    }

    /// Which log this is; a log that was restored or begun anew has another epoch.
    pub fn epoch(&self) -> Uuid {
        self.epoch
    }

    /// The position of the last event.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn head(&self) -> Result<Position, sqlx::Error> {
        Ok(head(&self.pool).await?.1)
    }

    /// The topics of its contexts.
    pub fn topics(&self) -> &Topics {
        &self.topics
    }

    /// What opens personal data.
    pub fn keyring(&self) -> &Keyring {
        &self.keyring
    }

    /// The database of the log.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// The epoch of the log behind `pool`, and the position of its last event.
///
/// # Errors
/// When the database is away.
pub async fn head(pool: &PgPool) -> Result<(Uuid, Position), sqlx::Error> {
    let row = sqlx::query("SELECT epoch, position FROM head")
        .fetch_one(pool)
        .await?;
    Ok((row.try_get("epoch")?, row.try_get("position")?))
}
