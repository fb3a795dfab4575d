//! The log: the one handle through which services append and read.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{PgPool, Row};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::append::{self, Append, AppendError, Appended};
use crate::idempotency::{self, Record};
use crate::load::States;
use crate::recorded::Position;

/// How a log is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The contexts whose events it takes.
    pub contexts: Vec<&'static str>,
    /// The partitions of the topic of a context that is new to the log.
    pub partitions: u32,
}

/// Why a log can't be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database is away or refuses.
    #[error("the log's database: {0}")]
    Database(#[from] sqlx::Error),
}

/// The log of one database.
#[derive(Clone, Debug)]
pub struct Log {
    pub(crate) pool: PgPool,
    pub(crate) states: States,
    topics: Topics,
    queue: append::Queue,
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
    /// When the database is away.
    pub async fn open(
        pool: PgPool,
        options: &Options,
        stop: CancellationToken,
    ) -> Result<Self, OpenError> {
        let topics = Topics::ensure(&pool, &options.contexts, options.partitions).await?;
        let (epoch, _) = head(&pool).await?;
        let queue = append::start(pool.clone(), topics.clone(), stop);
        Ok(Self {
            pool,
            states: States::new(),
            topics,
            queue,
            epoch,
        })
    }

    /// Stores what a command decided, all of it or nothing, and returns after its commit.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.queue.append(append).await
    }

    /// The stored answer to the command that came with `key`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn answer(&self, scope: &str, key: &str) -> Result<Option<Record>, sqlx::Error> {
        idempotency::find(&self.pool, scope, key).await
    }

    /// Forgets answers stored before `time`; gives how many.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn prune_answers(&self, time: DateTime<Utc>) -> Result<u64, sqlx::Error> {
        idempotency::prune(&self.pool, time).await
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

    /// The database of the log.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

/// The epoch of the log behind `pool`, and the position of its last event.
///
/// # Errors
/// When the database is away.
pub(crate) async fn head(pool: &PgPool) -> Result<(Uuid, Position), sqlx::Error> {
    let row = sqlx::query("SELECT epoch, position FROM head")
        .fetch_one(pool)
        .await?;
    Ok((row.try_get("epoch")?, row.try_get("position")?))
}
