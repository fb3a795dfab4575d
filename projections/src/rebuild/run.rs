//! A rebuild from its first step to its last, and the way back.

use std::collections::HashSet;
use std::time::Instant;

use event_store::FrozenLog;
use sqlx::PgPool;
use tokio::sync::watch;
use uuid::Uuid;

use super::compare::{Difference, FrozenTable};
use super::explain::explain;
use super::follow::follow;
use super::lock::Lock;
use super::progress::{Progress, Step, Teller};
use super::sample::sample;
use super::swap::swap;
use super::{Databases, Error, anew, fill, shadow};
use crate::erase;
use crate::runtime::{ApplyError, Registered, Slot, park};

/// How a table is rebuilt.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How many workers fold the log.
    pub workers: usize,
    /// Whether it takes the live table's place though the two differ.
    pub accept: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// Where the live table and the log differed, as of one moment.
    pub differences: Vec<Difference>,
    /// Whether the rebuilt table is the live one now.
    pub swapped: bool,
}

/// Rebuilds the table of `projection` beside the live one, compares the two, and swaps them unless
/// they differ. Of a version that was never projected it is the first table.
///
/// # Errors
/// See [`Error`]; the live table is as it was then.
pub async fn rebuild(
    databases: &Databases,
    projection: &Registered,
    options: Options,
    progress: watch::Sender<Progress>,
) -> Result<Outcome, Error> {
    let lock = Lock::of_rebuild(&databases.read, projection).await?;
    let teller = Teller::new(progress);
    let differences = build(databases, projection, options.workers, &teller).await?;
    let swapped = differences.is_empty() || options.accept;
    if swapped {
        swap(databases, projection, Slot::Shadow, &teller).await?;
    } else {
        shadow::drop(&databases.read, projection).await?;
    }
    lock.release().await?;
    Ok(Outcome {
        differences,
        swapped,
    })
}

/// How much of a table is compared.
#[derive(Debug, Clone, Copy)]
pub enum Extent {
    /// All of it, with the log folded by so many workers.
    Full {
        /// How many.
        workers: usize,
    },
    /// The rows of about so many streams.
    Sample {
        /// How many.
        streams: u32,
    },
}

/// Compares the live table with a fresh fold of the log, and changes nothing.
///
/// # Errors
/// See [`Error`].
pub async fn drift(
    databases: &Databases,
    projection: &Registered,
    extent: Extent,
    progress: watch::Sender<Progress>,
) -> Result<Vec<Difference>, Error> {
    let workers = match extent {
        Extent::Full { workers } => workers,
        Extent::Sample { streams } => {
            return sample(databases, projection, streams, &Teller::new(progress)).await;
        }
    };
    let lock = Lock::of_rebuild(&databases.read, projection).await?;
    let differences = build(databases, projection, workers, &Teller::new(progress)).await?;
    shadow::drop(&databases.read, projection).await?;
    lock.release().await?;
    Ok(differences)
}

/// Goes back to the table that was live before the last rebuild, once it has followed the log to
/// its end. The live one is the previous one then.
///
/// # Errors
/// See [`Error`].
pub async fn rollback(
    databases: &Databases,
    projection: &Registered,
    progress: watch::Sender<Progress>,
) -> Result<(), Error> {
    let lock = Lock::of_rebuild(&databases.read, projection).await?;
    let teller = Teller::new(progress);
    if !stands(&databases.read, projection, Slot::Previous).await? {
        return Err(Error::NoPrevious(projection.name));
    }
    swap(databases, projection, Slot::Previous, &teller).await?;
    Ok(lock.release().await?)
}

/// Whether this version of the projection has a live table.
///
/// # Errors
/// When the database is away.
pub async fn is_built(read: &PgPool, projection: &Registered) -> Result<bool, Error> {
    stands(read, projection, Slot::Live).await
}

/// Fills the shadow and brings it to where the live table stands; gives where the two differ. No
/// shadow is left where that fails; while the database is away, the next rebuild takes it away.
async fn build(
    databases: &Databases,
    projection: &Registered,
    workers: usize,
    teller: &Teller,
) -> Result<Vec<Difference>, Error> {
    let built = fold_and_compare(databases, projection, workers, teller).await;
    if built.is_err()
        && let Err(left) = shadow::drop(&databases.read, projection).await
    {
        tracing::warn!(%left, projection = projection.name, "a shadow table is left");
    }
    built
}

async fn fold_and_compare(
    databases: &Databases,
    projection: &Registered,
    workers: usize,
    teller: &Teller,
) -> Result<Vec<Difference>, Error> {
    let began = Instant::now();
    let read = &databases.read;
    let partitions = partitions(&databases.log, projection).await?;
    shadow::schemas(read, projection).await?;
    shadow::create(read, projection).await?;
    let relation = projection.relation(Slot::Shadow);
    let epoch = match projection.across_streams {
        true => fill_in_order(databases, projection, partitions, teller).await?,
        false => match fill(databases, projection, workers, teller).await {
            Ok(log) => {
                teller.begin(Step::Indexing, 0);
                shadow::index(read, projection, &relation).await?;
                let end = (log.head(), log.last_event());
                shadow::stand_at(read, projection, partitions, log.epoch(), end).await?;
                log.epoch()
            }
            // COPY does not say whose row is refused. Folded in the order of the log, the stream at
            // fault is found and parked: slowly, and seldom.
            Err(Error::Database(error)) if ApplyError::is_of_a_row(&error) => {
                tracing::warn!(%error, projection = projection.name, "a row is refused: looking for it");
                shadow::create(read, projection).await?;
                fill_in_order(databases, projection, partitions, teller).await?
            }
            Err(error) => return Err(error),
        },
    };
    // What was opened before a person was erased is in neither table any more.
    erase::erase_lately(read, &databases.keyring, began.elapsed()).await?;
    differences(databases, projection, epoch, teller).await
}

/// Fills a bare shadow stream by stream; gives the log as it was.
async fn fill(
    databases: &Databases,
    projection: &Registered,
    workers: usize,
    teller: &Teller,
) -> Result<FrozenLog, Error> {
    let relation = projection.relation(Slot::Shadow);
    let mut log = FrozenLog::take(&databases.log).await?;
    let into = (projection, &*relation);
    let parked = fill::fill(databases, into, &mut log, workers, teller).await?;
    let mut connection = databases.read.acquire().await?;
    let parking = fill::parking(&parked);
    park::insert(&mut connection, projection, Slot::Shadow, &parking).await?;
    Ok(log)
}

/// Fills a bare shadow in the order of the log, page by page, as a projector fills its table: a row
/// across streams is complete at no stream's end. Gives which log it is.
async fn fill_in_order(
    databases: &Databases,
    projection: &Registered,
    partitions: u32,
    teller: &Teller,
) -> Result<Uuid, Error> {
    let (read, relation) = (&databases.read, projection.relation(Slot::Shadow));
    shadow::index(read, projection, &relation).await?;
    let (epoch, head) = {
        let log = FrozenLog::take(&databases.log).await?;
        (log.epoch(), log.head())
    };
    shadow::stand_at(read, projection, partitions, epoch, (0, None)).await?;
    teller.begin(Step::Filling, head.unsigned_abs());
    follow(databases, projection, Slot::Shadow, None, teller).await?;
    shadow::analyze(read, &relation).await?;
    Ok(epoch)
}

async fn differences(
    databases: &Databases,
    projection: &Registered,
    epoch: Uuid,
    teller: &Teller,
) -> Result<Vec<Difference>, Error> {
    // The live table may be behind the shadow, and its projector may not be running: what it has
    // not seen is folded into it here, as a projector would.
    teller.begin(Step::Following, 0);
    follow(databases, projection, Slot::Live, None, teller).await?;
    let Some(mut live) = FrozenTable::take(databases, projection).await? else {
        return Ok(Vec::new());
    };
    if live.standing.epoch != epoch {
        return Err(Error::OtherLog(projection.name));
    }
    let standing = live.standing.clone();
    follow(databases, projection, Slot::Shadow, Some(&standing), teller).await?;
    let mut differences = live.compare(databases, projection, teller).await?;
    let is_parked = live.parked();
    let mut without = HashSet::new();
    if projection.across_streams {
        // The shadow may have what the live table has parked, and has gone on without.
        let touched = anew::touched_by_parked(databases, projection, &live).await?;
        differences.retain(|difference| !touched.contains_key(&difference.key.to_string()));
        differences.extend(anew::compare(databases, projection, &mut live, touched, teller).await?);
        without.clone_from(&live.parked);
    }
    drop(live);
    let past = (&standing, &without);
    explain(databases, projection, &mut differences, past, teller).await?;
    differences.retain(|difference| !is_parked(difference));
    Ok(differences)
}

async fn stands(read: &PgPool, projection: &Registered, slot: Slot) -> Result<bool, Error> {
    let found = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM watermarks \
             WHERE projection = $1 AND version = $2 AND slot = $3)",
    )
    .bind(projection.name)
    .bind(projection.version)
    .bind(slot.name())
    .fetch_one(read)
    .await?;
    Ok(found)
}

/// How many partitions the topic of its context has.
async fn partitions(log: &PgPool, projection: &Registered) -> Result<u32, Error> {
    let count: i32 = sqlx::query_scalar("SELECT partitions FROM topics WHERE context = $1")
        .bind(projection.context)
        .fetch_one(log)
        .await?;
    Ok(count.unsigned_abs())
}
