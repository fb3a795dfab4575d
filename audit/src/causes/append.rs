//! All events of one command, found by any of them: they stand side by side in the log, were stored
//! at one moment and say the same about where they come from.

use chrono::{DateTime, Utc};
use event_store::Position;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::tree::{Append, Event};
use crate::streams::{Error, Metadata, Stream};

/// How far to each side it is looked at first.
const NEAR: i64 = 16;
/// And at last: commands of more events are cut.
const FAR: i64 = 1024;

/// The columns of a [`Row`].
const COLUMNS: &str = "position, event_id, aggregate_type, aggregate_id, sequence, \
     event_type, metadata, recorded_at, occurred_at";

/// An event without its payload.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Row {
    pub(super) position: Position,
    pub(super) event_id: Uuid,
    pub(super) aggregate_type: String,
    pub(super) aggregate_id: Uuid,
    pub(super) sequence: i64,
    pub(super) event_type: String,
    pub(super) metadata: String,
    pub(super) recorded_at: DateTime<Utc>,
    pub(super) occurred_at: DateTime<Utc>,
}

impl Row {
    pub(super) fn metadata(&self) -> Result<Metadata, Error> {
        serde_json::from_str(&self.metadata).map_err(|source| Error::Malformed {
            position: self.position,
            source,
        })
    }

    fn is_together_with(&self, other: &Self) -> bool {
        self.metadata == other.metadata && self.recorded_at == other.recorded_at
    }
}

/// What was stored at once.
#[derive(Debug, Default)]
pub(super) struct Together {
    /// In the order of positions; none when there is no event where it was looked.
    pub(super) rows: Vec<Row>,
    /// Whether there are more than that.
    pub(super) cut: bool,
}

/// The events that were stored together with the one at `position`.
pub(super) async fn together(pool: &PgPool, position: Position) -> Result<Together, sqlx::Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM events WHERE position BETWEEN $1 AND $2 ORDER BY position");
    let mut near = NEAR;
    loop {
        let (from, to) = (position - near, position.saturating_add(near));
        let query = sqlx::query_as(&sql).bind(from).bind(to);
        let rows: Vec<Row> = query.fetch_all(pool).await?;
        let Some(middle) = rows.iter().position(|row| row.position == position) else {
            return Ok(Together::default());
        };
        let anchor = &rows[middle];
        let (before, after) = (&rows[..middle], &rows[middle..]);
        let is_of_it = |row: &&Row| row.is_together_with(anchor);
        let before = before.iter().rev().take_while(is_of_it).count();
        let after = after.iter().take_while(is_of_it).count();
        let together = &rows[middle - before..middle + after];
        let (first, last) = (together[0].position, together[together.len() - 1].position);
        let cut = first == from || last == to;
        if !cut || near >= FAR {
            let rows = together.to_vec();
            return Ok(Together { rows, cut });
        }
        near *= 8;
    }
}

/// What `rows`, which were stored together, are in the tree.
pub(super) fn told(rows: &[Row], asked: Position) -> Result<Option<Append>, Error> {
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let metadata = first.metadata()?;
    let event = |row: &Row| Event {
        position: row.position,
        id: row.event_id,
        stream: Stream {
            aggregate_type: row.aggregate_type.clone(),
            id: row.aggregate_id,
        },
        version: row.sequence,
        event_type: row.event_type.clone(),
        occurred_at: row.occurred_at,
        asked: row.position == asked,
        followed: Vec::new(),
        more: false,
    };
    Ok(Some(Append {
        recorded_at: first.recorded_at,
        request_id: metadata.request_id,
        actor: metadata.actor,
        imported: metadata.imported.is_some(),
        events: rows.iter().map(event).collect(),
    }))
}
