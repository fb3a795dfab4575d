//! Trying parked streams again, each in order.

use event_store::personal::Keyring;
use event_store::{Position, RecordedEvent, pick, seen};
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::parked::{self, Stream};
use super::projection::Registered;
use super::slot::Slot;
use super::{ApplyError, checkpoint, open, park, row_locks};

/// The most events that are tried in one transaction.
const PAGE: i64 = 500;

/// Why parked streams can't be tried again.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A database is away or refuses.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// Personal data can't be opened now.
    #[error(transparent)]
    Personal(#[from] event_store::personal::Error),
    /// The read database refuses, for a reason that no single event has.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The log is not the one that was projected.
    #[error(transparent)]
    Restored(#[from] seen::Error),
    /// The log has not got an event that is parked.
    #[error("the log has no event at position {0}, which is parked")]
    NotInTheLog(Position),
}

/// What became of a stream that was tried again.
#[derive(Debug, Clone, Serialize)]
pub struct Retried {
    /// The projection.
    pub projection: String,
    /// Which stream.
    pub aggregate_id: Uuid,
    /// How many of its events were applied.
    pub applied: usize,
    /// Why the next one failed again; none when the stream is parked no more.
    pub error: Option<String>,
}

/// Tries the parked streams of `projections` again, all or one, each in order until one of its
/// events fails still.
///
/// # Errors
/// See [`Error`]; what was applied until then stays so.
pub async fn retry(
    (log, read, keyring): (&PgPool, &PgPool, &Keyring),
    projections: &[Registered],
    stream: Option<Uuid>,
) -> Result<Vec<Retried>, Error> {
    seen::check(log, &checkpoint::seen(read).await?).await?;
    let mut all = Vec::new();
    for parked in parked::list(read, None).await? {
        let of_it =
            |one: &&Registered| (one.name, one.version) == (&parked.projection, parked.version);
        let Some(projection) = projections.iter().find(of_it) else {
            continue;
        };
        if stream.is_some_and(|id| id != parked.aggregate_id) {
            continue;
        }
        let mut retried = Retried {
            projection: parked.projection.clone(),
            aggregate_id: parked.aggregate_id,
            applied: 0,
            error: None,
        };
        while drained((log, read, keyring), projection, &parked, &mut retried).await? {}
        all.push(retried);
    }
    Ok(all)
}

/// Tries the next events of a stream; gives whether more may be left to try.
async fn drained(
    (log, read, keyring): (&PgPool, &PgPool, &Keyring),
    projection: &Registered,
    parked: &Stream,
    retried: &mut Retried,
) -> Result<bool, Error> {
    let mut tx = read.begin().await?;
    parked::lock(&mut tx, parked).await?;
    // The one that failed is tried alone: later ones might hide that its row is refused still.
    let most = if retried.applied == 0 { 1 } else { PAGE };
    let positions: Vec<Position> = sqlx::query_scalar(
        "SELECT position FROM parked WHERE projection = $1 AND version = $2 AND slot = $3 \
             AND aggregate_id = $4 ORDER BY position LIMIT $5",
    )
    .bind(&parked.projection)
    .bind(parked.version)
    .bind(&parked.slot)
    .bind(parked.aggregate_id)
    .bind(most)
    .fetch_all(&mut *tx)
    .await?;
    let mut events = pick::at(log, &positions).await?;
    let absent = |position: &&Position| events.iter().all(|event| event.position != **position);
    if let Some(position) = positions.iter().find(absent) {
        return Err(Error::NotInTheLog(*position));
    }
    let mut failure = None;
    for (index, event) in events.iter_mut().enumerate() {
        if let Some(why) = open::open_one(keyring, event).await? {
            failure = Some((index, why));
            break;
        }
    }
    let opened = failure.as_ref().map_or(events.len(), |(index, _)| *index);
    let opened: Vec<&RecordedEvent> = events[..opened].iter().collect();
    let locks = projection.row_locks(opened.iter().copied());
    row_locks::take(&mut tx, locks).await?;
    let relation = projection.relation(Slot::Live);
    let applied = projection.apply(&mut tx, &relation, &opened).await?;
    if let Some(failed) = applied.failed.first() {
        failure = Some((failed.index, park::why(opened[failed.index], &failed.error)));
    }
    let done = failure.as_ref().map_or(events.len(), |(index, _)| *index);
    parked::delete(&mut tx, parked, Some(&positions[..done])).await?;
    if let Some((index, why)) = &failure {
        park::failed_again(&mut tx, projection, positions[*index], why).await?;
    }
    checkpoint::tell(&mut tx).await?;
    tx.commit().await?;
    retried.applied += done;
    let more = failure.is_none() && !positions.is_empty();
    retried.error = failure.map(|(_, why)| why);
    Ok(more)
}
