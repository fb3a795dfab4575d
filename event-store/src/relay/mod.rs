//! The relay: the log's events, in order, to Kafka.
//!
//! One relay leads at a time. It sends what comes after its last position, and writes down how far
//! Kafka has all of it; after a crash it may send again what Kafka has already (an old position is
//! a duplicate), and never skips.

mod deliveries;
mod last;
mod lead;
mod measure;
mod pipeline;
mod produce;
mod spans;
pub mod topics;

use std::time::Duration;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::database::is_away;
use crate::log::Topics;
use crate::message::UnreadableMessage;
use crate::read;
use crate::seen;
pub use last::seen_by_kafka;
use lead::Lead;
pub use measure::{Standing, age, measure, standing};
use produce::Producer;

/// How long the relay waits before it tries again what is away.
const PAUSE: Duration = Duration::from_millis(500);

/// How a relay is set up.
#[derive(Debug, Clone)]
pub struct Options {
    /// Kafka's `bootstrap.servers`.
    pub brokers: String,
    /// What topic names begin with, `comptoir` unless told otherwise.
    pub topic_prefix: String,
    /// How many copies Kafka keeps of each topic.
    pub replication: i32,
}

/// Why a relay gave up. What is merely away is waited for, and is none of these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log's database refuses.
    #[error("the relay's database: {0}")]
    Database(#[from] sqlx::Error),
    /// The log can't be read on.
    #[error("the relay: {0}")]
    Read(#[from] read::Error),
    /// Kafka refuses.
    #[error("Kafka: {0}")]
    Kafka(#[from] rdkafka::error::KafkaError),
    /// A topic is not as the log has it.
    #[error(
        "the topic {topic} has {actual} partitions and the log says {expected}: another count needs another generation of the topic"
    )]
    Partitions {
        /// The topic.
        topic: String,
        /// How many partitions the log has for it.
        expected: u32,
        /// How many it has.
        actual: usize,
    },
    /// A message is not one of the relay's.
    #[error(transparent)]
    Unreadable(#[from] UnreadableMessage),
    /// The log is not the one that was relayed, or is older.
    #[error(transparent)]
    Restored(#[from] seen::Error),
    /// The log has other topics than this relay began with.
    #[error("the log was given new topics: start the relay again")]
    NewTopics,
}

/// Relays until `stop`.
///
/// # Errors
/// See [`Error`]; the relay stops at an error rather than skip an event.
pub async fn run(
    pool: PgPool,
    topics: Topics,
    options: Options,
    stop: CancellationToken,
) -> Result<(), Error> {
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        done = relay(pool, topics, options) => done,
    }
}

async fn relay(pool: PgPool, topics: Topics, options: Options) -> Result<(), Error> {
    measure::leads(false);
    topics::ensure(&options, &topics).await?;
    loop {
        let lead = match lead::take(&pool).await {
            Ok(Some(lead)) => lead,
            Ok(None) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            Err(error) => {
                wait_out(error).await?;
                continue;
            }
        };
        if let Err(error) = check(&pool, &topics, &options, &lead).await {
            match error {
                Error::Database(error) | Error::Restored(seen::Error::Database(error)) => {
                    wait_out(error).await?;
                    continue;
                }
                error => return Err(error),
            }
        }
        // One for each lead: what an earlier one left under way is taken back, or comes first.
        let producer = Producer::new(&options, &topics)?;
        measure::leads(true);
        let ended = pipeline::run(&pool, &producer, lead).await;
        measure::leads(false);
        // It ends threads of its own, which may take a while.
        let _dropped = tokio::task::spawn_blocking(|| drop(producer)).await;
        match ended {
            Ok(lost) => tracing::warn!(%lost, "the relay stepped back"),
            Err(Error::Database(error)) => wait_out(error).await?,
            Err(Error::Read(error)) if error.is_away() => pause(&error).await,
            Err(Error::Kafka(error)) if topics::is_gone(&error) => {
                // It is made anew as the log has it. What was not acknowledged is sent again, and
                // what the old topic had is read from the log by those who miss it.
                tracing::warn!(%error, "a topic may be gone; it is made anew, and what has no answer is sent again");
                topics::ensure(&options, &topics).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Refuses a log that is not the one that was relayed: the relay's own table may have been restored
/// together with the log, but Kafka has what it has.
async fn check(
    pool: &PgPool,
    topics: &Topics,
    options: &Options,
    lead: &Lead,
) -> Result<(), Error> {
    if !topics.are_current(pool).await? {
        return Err(Error::NewTopics);
    }
    let mut seen = seen_by_kafka(options, topics).await?;
    seen.push(lead.seen());
    Ok(seen::check(pool, &seen).await?)
}

async fn wait_out(error: sqlx::Error) -> Result<(), sqlx::Error> {
    if !is_away(&error) {
        return Err(error);
    }
    pause(&error).await;
    Ok(())
}

async fn pause(error: &impl std::fmt::Display) {
    tracing::warn!(%error, "the relay waits for the log's database");
    tokio::time::sleep(PAUSE).await;
}
