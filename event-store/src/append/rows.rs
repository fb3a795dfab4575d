//! The rows of a batch in PostgreSQL's binary form, as COPY takes them.

use bytes::BytesMut;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::leaf::Leaf;
use crate::recorded::Position;
use crate::wire::{BIGINT, BYTEA, Flight, INTEGER, TEXT, TIMESTAMPTZ, UUID, encode};

/// The types of the columns of `events`, as [`Rows::event`] writes them.
pub(super) const EVENT_TYPES: &[u32] = &[
    BIGINT,
    TEXT,
    UUID,
    BIGINT,
    TEXT,
    TEXT,
    TEXT,
    TEXT,
    UUID,
    TIMESTAMPTZ,
    TIMESTAMPTZ,
    INTEGER,
    BYTEA,
];
/// The types of the columns of `idempotency`, as [`Rows::record`] writes them when it counts.
pub(super) const RECORD_TYPES: &[u32] = &[UUID, UUID, BYTEA, TEXT, TEXT, TIMESTAMPTZ];
/// So many rows are cheaper to insert one by one than to copy.
const MOST_INSERTED: usize = 2;

/// Rows for one COPY.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) bytes: BytesMut,
    /// Where each row begins.
    starts: Vec<usize>,
}

impl Rows {
    pub(super) fn count(&self) -> usize {
        self.starts.len()
    }

    /// Puts the rows into a flight: by `insert` where they are few, else by `copy`.
    pub(super) fn put(&self, flight: &mut Flight, insert: &str, copy: &str) -> std::io::Result<()> {
        match self.count() {
            0 => Ok(()),
            1..=MOST_INSERTED => {
                let end = self.bytes.len();
                let ends = self.starts.iter().skip(1).chain([&end]);
                for (start, end) in self.starts.iter().zip(ends) {
                    flight.insert(insert, &self.bytes[*start..*end])?;
                }
                Ok(())
            }
            _ => flight.copy(copy, &self.bytes),
        }
    }

    /// Puts the rows into a flight as arrays of `types`, for a statement that counts positions.
    pub(super) fn put_counted(
        &self,
        flight: &mut Flight,
        statement: &str,
        types: &[u32],
    ) -> std::io::Result<()> {
        match self.count() {
            0 => Ok(()),
            count => flight.arrays(statement, &self.bytes, count, types),
        }
    }

    /// A row of `events`; the columns stand as in the statement `events`.
    pub(super) fn event(&mut self, position: Position, partition: i32, leaf: &Leaf<'_>) {
        let bytes = &mut self.bytes;
        self.starts.push(bytes.len());
        encode::row(bytes, 13);
        encode::bigint(bytes, position);
        encode::raw(bytes, leaf.aggregate_type.as_bytes());
        encode::uuid(bytes, leaf.aggregate_id);
        encode::bigint(bytes, leaf.sequence);
        encode::raw(bytes, leaf.event_type.as_bytes());
        encode::raw(bytes, leaf.event_version.as_bytes());
        encode::raw(bytes, leaf.payload.as_bytes());
        encode::raw(bytes, leaf.metadata.as_bytes());
        encode::uuid(bytes, leaf.event_id);
        encode::time(bytes, leaf.recorded_at);
        encode::time(bytes, leaf.occurred_at);
        encode::integer(bytes, partition);
        encode::raw(bytes, &leaf.hash());
    }

    /// A row of `idempotency`; the columns stand as in the statement `records`. Positions that are
    /// still to be counted are a text, since arrays have no arrays for elements.
    pub(super) fn record(
        &mut self,
        (scope, id): (Uuid, Uuid),
        digest: &[u8],
        answer: &str,
        positions: &[Position],
        counted: bool,
        created_at: DateTime<Utc>,
    ) {
        let bytes = &mut self.bytes;
        self.starts.push(bytes.len());
        encode::row(bytes, 6);
        encode::uuid(bytes, id);
        encode::uuid(bytes, scope);
        encode::raw(bytes, digest);
        encode::raw(bytes, answer.as_bytes());
        match counted {
            false => encode::bigints(bytes, positions),
            true => {
                let all: Vec<String> = positions.iter().map(Position::to_string).collect();
                encode::raw(bytes, format!("{{{}}}", all.join(",")).as_bytes());
            }
        }
        encode::time(bytes, created_at);
    }
}
