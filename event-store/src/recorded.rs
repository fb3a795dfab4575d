//! An event as the log holds it.

use chrono::{DateTime, Utc};
use domain::decider::Decider;
use domain::upcast::{self, ReadError, StoredEvent};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::partition::context_of;

/// A place in the log: 1, 2, 3, … without a hole, in commit order; 0 is before the first event.
pub type Position = i64;

/// An event of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent {
    /// Its place in the log.
    pub position: Position,
    /// Its own id, a UUIDv7.
    pub event_id: Uuid,
    /// `<context>.<aggregate>`.
    pub aggregate_type: String,
    /// Whose event.
    pub aggregate_id: Uuid,
    /// Its place in its stream, from 1.
    pub sequence: i64,
    /// The name of the event.
    pub event_type: String,
    /// The schema version of the payload.
    pub event_version: String,
    /// The event as JSON, byte for byte as stored.
    pub payload: String,
    /// Actor, request, correlation, causation and trace, as a JSON object of strings.
    pub metadata: String,
    /// When it was stored; never decreases with the position.
    pub recorded_at: DateTime<Utc>,
    /// When it happened; earlier than `recorded_at` for an import.
    pub occurred_at: DateTime<Utc>,
    /// The partition of its topic.
    pub partition: i32,
}

/// A stored event that its aggregate can't read.
#[derive(Debug, thiserror::Error)]
#[error("event {position} of the log, one of {aggregate_type}: {source}")]
pub struct DecodeError {
    /// Its place in the log.
    pub position: Position,
    /// Whose event.
    pub aggregate_type: String,
    /// What is wrong with it.
    pub source: ReadError,
}

/// The columns that [`RecordedEvent::from_row`] reads.
pub(crate) const COLUMNS: &str = "position, event_id, aggregate_type, aggregate_id, sequence, \
     event_type, event_version, payload, metadata, recorded_at, occurred_at, partition";

impl RecordedEvent {
    /// The context whose event it is.
    pub fn context(&self) -> &str {
        context_of(&self.aggregate_type)
    }

    /// The events of `D` that it stands for today, oldest first: itself, or what its upcasters
    /// make of it. None when it is another aggregate's.
    ///
    /// # Errors
    /// When it is `D`'s and can't be read.
    pub fn decode<D: Decider>(&self) -> Result<Vec<D::Event>, DecodeError> {
        if self.aggregate_type != D::TYPE {
            return Ok(Vec::new());
        }
        let stored = StoredEvent {
            event_type: &self.event_type,
            event_version: &self.event_version,
            payload: &self.payload,
        };
        upcast::read(stored).map_err(|source| DecodeError {
            position: self.position,
            aggregate_type: self.aggregate_type.clone(),
            source,
        })
    }

    pub(crate) fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            position: row.try_get("position")?,
            event_id: row.try_get("event_id")?,
            aggregate_type: row.try_get("aggregate_type")?,
            aggregate_id: row.try_get("aggregate_id")?,
            sequence: row.try_get("sequence")?,
            event_type: row.try_get("event_type")?,
            event_version: row.try_get("event_version")?,
            payload: row.try_get("payload")?,
            metadata: row.try_get("metadata")?,
            recorded_at: row.try_get("recorded_at")?,
            occurred_at: row.try_get("occurred_at")?,
            partition: row.try_get("partition")?,
        })
    }
}
