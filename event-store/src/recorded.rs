//! An event as the log holds it.

use chrono::{DateTime, Utc};
use domain::decider::Decider;
use domain::upcast::{self, ReadError, StoredEvent};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::partition::context_of;
use crate::wire::{self, Fields};

/// A place in the log: 1, 2, 3, … without a hole, in commit order; 0 is before the first event.
pub type Position = i64;

/// An event of the log; its texts are its own, or borrowed ([`BorrowedEvent`]).
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedEvent<T = String> {
    /// Its place in the log.
    pub position: Position,
    /// Its own id, a UUIDv7.
    pub event_id: Uuid,
    /// `<context>.<aggregate>`.
    pub aggregate_type: T,
    /// Whose event.
    pub aggregate_id: Uuid,
    /// Its place in its stream, from 1.
    pub sequence: i64,
    /// The name of the event.
    pub event_type: T,
    /// The schema version of the payload.
    pub event_version: T,
    /// The event as JSON, byte for byte as stored.
    pub payload: T,
    /// Actor, request, correlation, causation and trace, as a JSON object of strings.
    pub metadata: T,
    /// When it was stored; never decreases with the position.
    pub recorded_at: DateTime<Utc>,
    /// When it happened; earlier than `recorded_at` for an import.
    pub occurred_at: DateTime<Utc>,
    /// The partition of its topic.
    pub partition: i32,
}

/// An event whose texts are those of the page that it was read with.
pub type BorrowedEvent<'a> = RecordedEvent<&'a str>;

/// An event of `D` with its place in the log.
pub struct Happened<'a, D: Decider> {
    /// The event.
    pub event: D::Event,
    /// Its stream, version and times.
    pub recorded: &'a RecordedEvent,
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

/// The columns of an event, in the order in which [`BorrowedEvent::from_fields`] reads them.
pub(crate) const COLUMNS: &str = "position, event_id, aggregate_type, aggregate_id, sequence, \
     event_type, event_version, payload, metadata, recorded_at, occurred_at, partition";

/// How many of [`COLUMNS`] come before the payload.
pub(crate) const PAYLOAD: usize = 7;

impl<T: AsRef<str>> RecordedEvent<T> {
    /// The context whose event it is.
    pub fn context(&self) -> &str {
        context_of(self.aggregate_type.as_ref())
    }

    /// The events of `D` that it stands for today, oldest first: itself, or what its upcasters
    /// make of it. None when it is another aggregate's.
    ///
    /// # Errors
    /// When it is `D`'s and can't be read.
    pub fn decode<D: Decider>(&self) -> Result<Vec<D::Event>, DecodeError> {
        if self.aggregate_type.as_ref() != D::TYPE {
            return Ok(Vec::new());
        }
        let stored = StoredEvent {
            event_type: self.event_type.as_ref(),
            event_version: self.event_version.as_ref(),
            payload: self.payload.as_ref(),
        };
        upcast::read(stored).map_err(|source| DecodeError {
            position: self.position,
            aggregate_type: self.aggregate_type.as_ref().to_owned(),
            source,
        })
    }
}

impl<'a> BorrowedEvent<'a> {
    /// Reads a row of [`COLUMNS`]; what stands behind them is left.
    pub(crate) fn from_fields(row: &mut Fields<'a>) -> Result<Self, wire::Error> {
        // In the order of the columns, which is that of evaluation here.
        Ok(Self {
            position: row.bigint()?,
            event_id: row.uuid()?,
            aggregate_type: row.text()?,
            aggregate_id: row.uuid()?,
            sequence: row.bigint()?,
            event_type: row.text()?,
            event_version: row.text()?,
            payload: row.text()?,
            metadata: row.text()?,
            recorded_at: row.time()?,
            occurred_at: row.time()?,
            partition: row.integer()?,
        })
    }

    /// The same event with texts of its own.
    pub fn to_owned(&self) -> RecordedEvent {
        RecordedEvent {
            position: self.position,
            event_id: self.event_id,
            aggregate_type: self.aggregate_type.to_owned(),
            aggregate_id: self.aggregate_id,
            sequence: self.sequence,
            event_type: self.event_type.to_owned(),
            event_version: self.event_version.to_owned(),
            payload: self.payload.to_owned(),
            metadata: self.metadata.to_owned(),
            recorded_at: self.recorded_at,
            occurred_at: self.occurred_at,
            partition: self.partition,
        }
    }
}

impl RecordedEvent {
    /// Becomes `event`, in the memory that its texts have already.
    pub fn assign(&mut self, event: &BorrowedEvent<'_>) {
        for (text, from) in [
            (&mut self.aggregate_type, event.aggregate_type),
            (&mut self.event_type, event.event_type),
            (&mut self.event_version, event.event_version),
            (&mut self.payload, event.payload),
            (&mut self.metadata, event.metadata),
        ] {
            text.clear();
            text.push_str(from);
        }
        self.position = event.position;
        self.event_id = event.event_id;
        self.aggregate_id = event.aggregate_id;
        self.sequence = event.sequence;
        self.recorded_at = event.recorded_at;
        self.occurred_at = event.occurred_at;
        self.partition = event.partition;
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
