//! Holes: messages that never came are read from the log, counted and reported (law 7).

use event_store::{Position, pick};
use sqlx::PgConnection;

use super::batch::How;
use super::delivered::{Batch, Delivered, Place};
use super::run::{Error, Projector, Settled};

/// The most events that are filled in by one transaction.
const PAGE: i64 = 1_000;

/// Messages of a topic partition that should have come.
#[derive(Debug, Clone)]
pub(super) struct Hole {
    /// What had come before them.
    pub(super) after: Position,
    /// The last of them.
    pub(super) up_to: Position,
    /// How it was noticed.
    pub(super) why: String,
}

/// Reads what is in `hole` from the log and applies it, as if it had come.
///
/// # Errors
/// [`Error::Missing`] when the log has not got it either.
pub(super) async fn fill(
    projector: &Projector,
    place: &Place,
    claim: Option<i64>,
    hole: &Hole,
) -> Result<Settled, Error> {
    let Hole { after, up_to, why } = hole;
    tracing::warn!(%place, after, up_to, why, "messages are missing; they are read from the log");
    let (pool, epoch) = (projector.log.pool(), projector.log.epoch());
    let mut reached = *after;
    while reached < *up_to {
        let of = (place.context.as_str(), place.partition);
        let between = (reached, *up_to);
        let read = || async { Ok(pick::of_partition(pool, of, between, PAGE).await?) };
        let events = projector.retry(read).await?;
        let Some(last) = events.last() else {
            return Err(Error::Missing {
                context: place.context.clone(),
                partition: place.partition,
                position: *up_to,
            });
        };
        reached = last.position;
        let events = events.into_iter();
        let mut events: Vec<Delivered> = events
            .map(|event| Delivered::from_log(epoch, event))
            .collect();
        projector.open(&mut events).await?;
        let batch = Batch {
            place,
            claim,
            events: &events,
        };
        let how = How {
            fills: Some(hole),
            ..How::default()
        };
        if let Settled::Lost = Box::pin(projector.settle(batch, how)).await? {
            return Ok(Settled::Lost);
        }
    }
    metrics::counter!("comptoir_projector_holes_filled_total").increment(1);
    Ok(Settled::Done)
}

/// Writes down that `events` of `hole` were filled in.
pub(super) async fn note(
    connection: &mut PgConnection,
    place: &Place,
    hole: &Hole,
    events: usize,
) -> Result<(), sqlx::Error> {
    if events == 0 {
        // Another projector was faster.
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO holes (context, partition, after_position, up_to_position, events, why) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (context, partition, after_position, up_to_position) \
             DO UPDATE SET events = holes.events + excluded.events",
    )
    .bind(&place.context)
    .bind(place.partition)
    .bind(hole.after)
    .bind(hole.up_to)
    .bind(events as i64)
    .bind(&hole.why)
    .execute(connection)
    .await?;
    metrics::counter!("comptoir_projector_events_filled_total").increment(events as u64);
    Ok(())
}
