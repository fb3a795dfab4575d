//! Upwards: from an event to the request behind it.

use event_store::Position;
use sqlx::PgPool;

use super::append::together;
use super::find;
use super::name::EventName;
use super::tree::Origin;
use super::{Bounds, Traced};
use crate::streams::Error;

/// What is behind the event at `asked`.
pub(super) async fn of(pool: &PgPool, asked: Position, bounds: Bounds) -> Result<Traced, Error> {
    let mut path = Vec::new();
    let mut position = asked;
    loop {
        let together = together(pool, position).await?;
        let Some(row) = together.rows.first() else {
            return Err(sqlx::Error::RowNotFound.into());
        };
        path.push(position);
        let metadata = row.metadata()?;
        let caused_by = metadata.caused_by();
        let cut = path.len() >= bounds.depth && caused_by.is_some();
        if let Some(cause) = caused_by
            && !cut
            && let Some((found, _)) =
                find::event(pool, EventName::Id(cause), bounds.whole_log).await?
            // What led to it came before it. Should a log say otherwise, this goes round no circle.
            && found < position
        {
            position = found;
            continue;
        }
        path.reverse();
        let origin = Origin {
            request_id: metadata.request_id,
            actor: metadata.actor,
            correlation_id: metadata.correlation_id,
            caused_by,
        };
        return Ok(Traced { origin, path, cut });
    }
}
