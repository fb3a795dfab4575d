//! A replay from its first step to its last, and its end.

use std::time::Instant;

use event_store::as_of::Moment;
use event_store::{Position, RecordedEvent};
use serde::Serialize;
use sqlx::{Connection, Executor, PgConnection, PgPool};
use tokio::sync::watch;
use uuid::Uuid;

use super::fold::fold;
use super::marker::{LOCK, Marker};
use super::{Error, Schema};
use crate::erase;
use crate::rebuild::lock::Lock;
use crate::rebuild::progress::{Progress, Teller};
use crate::rebuild::{Databases, shadow};
use crate::runtime::Registered;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// As of when.
    pub moment: Moment,
    /// Into which schema; what a replay of this name has left is taken away.
    pub schema: Schema,
    /// How many workers fold the log.
    pub workers: usize,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The schema.
    pub schema: String,
    /// What is in it.
    #[serde(flatten)]
    pub marker: Marker,
    /// How many rows the table has.
    pub rows: i64,
    /// The events that could not be folded, and those of their streams behind them.
    pub not_folded: Vec<LeftOut>,
}

/// An event that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its place in the log.
    pub position: Position,
    /// Its type.
    pub event_type: String,
    /// Its stream.
    pub stream: Uuid,
    /// Its place in the stream.
    pub sequence: i64,
    /// Why it can't be folded; none when it stands behind one that can't.
    pub why: Option<String>,
}

/// Folds the log up to a moment into a table of its own, in a schema of its own.
///
/// # Errors
/// See [`Error`]; no schema is left then, unless the database is away.
pub async fn replay(
    databases: &Databases,
    projection: &Registered,
    asked: &Asked,
    progress: watch::Sender<Progress>,
) -> Result<Outcome, Error> {
    let (read, schema) = (&databases.read, &asked.schema);
    let lock = hold(read, schema).await?;
    let marker = Marker::begun(projection, &asked.moment);
    begin(read, projection, schema, &marker).await?;
    let filled = fill(databases, projection, asked, marker, &Teller::new(progress)).await;
    if filled.is_err()
        && let Err(left) = remove(read, schema).await
    {
        tracing::warn!(%left, schema = schema.name(), "an unfinished replay is left");
    }
    let outcome = filled?;
    lock.release().await?;
    Ok(outcome)
}

/// Drops a replay.
///
/// # Errors
/// When there is none of that name, or somebody is at it.
pub async fn drop(read: &PgPool, schema: &Schema) -> Result<(), Error> {
    let lock = hold(read, schema).await?;
    if !remove(read, schema).await? {
        return Err(Error::Unknown(schema.name().to_owned()));
    }
    Ok(lock.release().await?)
}

async fn hold(read: &PgPool, schema: &Schema) -> Result<Lock, Error> {
    let lock = Lock::take(read, LOCK, schema.name()).await?;
    lock.ok_or_else(|| Error::Held(schema.name().to_owned()))
}

/// Makes the schema and its bare table, in place of a replay of that name.
async fn begin(
    read: &PgPool,
    projection: &Registered,
    schema: &Schema,
    marker: &Marker,
) -> Result<(), Error> {
    let mut connection = read.acquire().await?;
    let mut tx = connection.begin().await?;
    remove_in(&mut tx, schema).await?;
    let create = format!("CREATE SCHEMA {schema}");
    tx.execute(create.as_str()).await?;
    marker.put(&mut tx, schema).await?;
    let relation = schema.relation(projection.name);
    shadow::create_bare(&mut tx, projection, &relation).await?;
    Ok(tx.commit().await?)
}

async fn fill(
    databases: &Databases,
    projection: &Registered,
    asked: &Asked,
    marker: Marker,
    teller: &Teller,
) -> Result<Outcome, Error> {
    let (read, schema, began) = (&databases.read, &asked.schema, Instant::now());
    let relation = schema.relation(projection.name);
    let into = (projection, &*relation);
    let parked = fold(databases, into, &asked.moment, asked.workers, teller).await?;
    // What was opened before a person was erased is not in it any more.
    let erased = erase::erase_lately(read, &databases.keyring, began.elapsed()).await;
    erased.map_err(crate::rebuild::Error::from)?;
    let rows = format!("SELECT count(*) FROM {relation}");
    let rows = sqlx::query_scalar(&rows).fetch_one(read).await?;
    let marker = Marker {
        complete: true,
        left_out: parked.len() as u64,
        ..marker
    };
    marker.put(&mut *read.acquire().await?, schema).await?;
    let not_folded = parked.into_iter().map(|(event, why)| left_out(event, why));
    Ok(Outcome {
        schema: schema.name().to_owned(),
        marker,
        rows,
        not_folded: not_folded.collect(),
    })
}

fn left_out(event: RecordedEvent, why: Option<String>) -> LeftOut {
    LeftOut {
        position: event.position,
        event_type: event.event_type,
        stream: event.aggregate_id,
        sequence: event.sequence,
        why,
    }
}

async fn remove(read: &PgPool, schema: &Schema) -> Result<bool, Error> {
    let mut connection = read.acquire().await?;
    let mut tx = connection.begin().await?;
    let removed = remove_in(&mut tx, schema).await?;
    tx.commit().await?;
    Ok(removed)
}

/// Drops the schema where it is a replay; whether there was one.
async fn remove_in(tx: &mut PgConnection, schema: &Schema) -> Result<bool, Error> {
    match Marker::of(tx, schema).await? {
        None => Ok(false),
        Some(None) => Err(Error::NotAReplay(schema.name().to_owned())),
        Some(Some(_)) => {
            let drop = format!("DROP SCHEMA {schema} CASCADE");
            tx.execute(drop.as_str()).await?;
            Ok(true)
        }
    }
}
