//! What an operator does about parked streams: look at them, [try them again](retry), or give them
//! up.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use event_store::{Position, pick};
use serde::Serialize;
use sqlx::{FromRow, PgConnection, PgPool, Row};
use uuid::Uuid;

use super::checkpoint;
use super::delivered::Place;
use super::slot::Slot;

pub use super::retry::{Error, Retried, retry};

/// A stream that is parked for a projection.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Stream {
    /// The projection.
    pub projection: String,
    /// Its version.
    pub version: i32,
    /// Which of its tables, as [`Slot::name`] has it.
    pub slot: String,
    /// The context of the topic.
    pub context: String,
    /// The topic's partition.
    pub partition: i32,
    /// Whose events.
    pub aggregate_type: String,
    /// Which stream.
    pub aggregate_id: Uuid,
    /// Where the event is that failed.
    pub position: Position,
    /// Which event it is.
    pub event_type: String,
    /// Why it failed.
    pub error: String,
    /// How often it was tried.
    pub attempts: i32,
    /// When it failed first.
    pub parked_at: DateTime<Utc>,
    /// How many events are parked, with those that wait behind it.
    pub events: i64,
}

/// A parked event.
#[derive(Debug, Clone, Serialize, FromRow)]
pub struct Event {
    /// Its place in the log.
    pub position: Position,
    /// Its id.
    pub event_id: Uuid,
    /// Its place in its stream.
    pub sequence: i64,
    /// The name of the event.
    pub event_type: String,
    /// Why it failed; none when it waits behind one that did.
    pub error: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was parked.
    pub parked_at: DateTime<Utc>,
    /// The event as the log has it, personal data sealed.
    #[sqlx(skip)]
    pub payload: Option<String>,
}

/// The parked streams of live tables, of one projection or of all, oldest first.
///
/// # Errors
/// When the database is away.
pub async fn list(read: &PgPool, projection: Option<&str>) -> Result<Vec<Stream>, sqlx::Error> {
    sqlx::query_as(
        "SELECT projection, version, slot, context, partition, aggregate_type, aggregate_id, \
             position, event_type, error, attempts, parked_at, events \
         FROM (SELECT DISTINCT ON (projection, version, slot, aggregate_id) parked.*, \
                   count(*) OVER (PARTITION BY projection, version, slot, aggregate_id) AS events \
               FROM parked WHERE slot = $2 AND ($1::text IS NULL OR projection = $1) \
               ORDER BY projection, version, slot, aggregate_id, position) AS firsts \
         ORDER BY position, projection, version, slot",
    )
    .bind(projection)
    .bind(Slot::Live.name())
    .fetch_all(read)
    .await
}

/// The parked events of one stream for `projection`, in order, with what the log has of them.
///
/// # Errors
/// When a database is away.
pub async fn show(
    log: &PgPool,
    read: &PgPool,
    projection: &str,
    stream: Uuid,
) -> Result<Vec<Event>, sqlx::Error> {
    let mut events: Vec<Event> = sqlx::query_as(
        "SELECT position, event_id, sequence, event_type, error, attempts, parked_at FROM parked \
         WHERE projection = $1 AND aggregate_id = $2 AND slot = $3 ORDER BY position",
    )
    .bind(projection)
    .bind(stream)
    .bind(Slot::Live.name())
    .fetch_all(read)
    .await?;
    let positions: Vec<Position> = events.iter().map(|event| event.position).collect();
    for stored in pick::at(log, &positions).await? {
        let of_it = events
            .iter_mut()
            .filter(|one| one.position == stored.position);
        of_it.for_each(|one| one.payload = Some(stored.payload.clone()));
    }
    Ok(events)
}

/// Gives up what is parked of one stream for `projection`: it will never be applied, and later
/// events of the stream are again. Gives how many events that are.
///
/// # Errors
/// When the database is away.
pub async fn discard(read: &PgPool, projection: &str, stream: Uuid) -> Result<u64, sqlx::Error> {
    let mut given_up = 0;
    for parked in list(read, Some(projection)).await? {
        if parked.aggregate_id == stream {
            let mut tx = read.begin().await?;
            lock(&mut tx, &parked).await?;
            given_up += delete(&mut tx, &parked, None).await?;
            checkpoint::tell(&mut tx).await?;
            tx.commit().await?;
        }
    }
    Ok(given_up)
}

/// While it is held, nothing more is parked behind the stream.
pub(super) async fn lock(
    connection: &mut PgConnection,
    parked: &Stream,
) -> Result<(), sqlx::Error> {
    let place = Place {
        context: parked.context.clone(),
        partition: parked.partition,
    };
    checkpoint::lock(connection, [&place]).await?;
    Ok(())
}

/// Takes what is parked of a stream away: at `positions`, or all of it.
pub(super) async fn delete(
    connection: &mut PgConnection,
    parked: &Stream,
    positions: Option<&[Position]>,
) -> Result<u64, sqlx::Error> {
    let deleted = sqlx::query(
        "DELETE FROM parked WHERE projection = $1 AND version = $2 AND slot = $3 \
             AND aggregate_id = $4 AND ($5::bigint[] IS NULL OR position = ANY($5))",
    )
    .bind(&parked.projection)
    .bind(parked.version)
    .bind(&parked.slot)
    .bind(parked.aggregate_id)
    .bind(positions)
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected())
}

/// How much is parked for a projection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// Streams.
    pub streams: i64,
    /// Their events, with those that wait.
    pub events: i64,
}

/// How much is parked for live tables, by projection and version; nothing for one that is not there.
///
/// # Errors
/// When the database is away.
pub async fn counts(read: &PgPool) -> Result<HashMap<(String, i32), Count>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT projection, version, count(DISTINCT aggregate_id) AS streams, count(*) AS events \
         FROM parked WHERE slot = $1 GROUP BY projection, version",
    )
    .bind(Slot::Live.name())
    .fetch_all(read)
    .await?;
    rows.iter()
        .map(|row| {
            let count = Count {
                streams: row.try_get("streams")?,
                events: row.try_get("events")?,
            };
            Ok(((row.try_get("projection")?, row.try_get("version")?), count))
        })
        .collect()
}
