//! The rows of a batch, and their binary form as COPY takes it.

use std::sync::Arc;

use bytes::BytesMut;
use chrono::{DateTime, Utc};
use domain::streams::StreamId;
use uuid::Uuid;

use crate::leaf::Leaf;
use crate::recorded::Position;
use crate::wire::{Flight, encode};

/// So many rows are cheaper to insert one by one than to copy.
const MOST_INSERTED: usize = 2;

/// An event to be stored.
pub(super) struct NewEvent {
    /// Below zero while it is not counted yet.
    pub(super) position: Position,
    pub(super) partition: i32,
    pub(super) stream: StreamId,
    pub(super) sequence: i64,
    pub(super) event_type: &'static str,
    pub(super) event_version: u16,
    pub(super) payload: String,
    pub(super) metadata: Arc<str>,
    pub(super) event_id: Uuid,
    /// When it happened, if not just when it is recorded.
    pub(super) imported_at: Option<DateTime<Utc>>,
}

/// An answer to be kept for retries.
pub(super) struct NewAnswer {
    pub(super) id: Uuid,
    pub(super) scope: Uuid,
    pub(super) digest: [u8; 32],
    pub(super) answer: String,
    /// Below zero while they are not counted yet.
    pub(super) positions: Vec<Position>,
}

/// Rows for one COPY.
#[derive(Default)]
pub(super) struct Rows {
    bytes: BytesMut,
    /// Where each row begins.
    starts: Vec<usize>,
}

impl Rows {
    /// Puts the rows into a flight: by `insert` where they are few, else by `copy`.
    pub(super) fn put(&self, flight: &mut Flight, insert: &str, copy: &str) -> std::io::Result<()> {
        match self.starts.len() {
            0 => Ok(()),
            1..=MOST_INSERTED => {
                let end = self.bytes.len();
                let ends = self.starts.iter().skip(1).chain([&end]);
                for (start, end) in self.starts.iter().zip(ends) {
                    flight.execute_with(insert, &self.bytes[*start..*end])?;
                }
                Ok(())
            }
            _ => flight.copy(copy, &self.bytes),
        }
    }

    /// A row of `events`; the columns stand as in the statement `events`.
    pub(super) fn event(&mut self, event: &NewEvent, recorded_at: DateTime<Utc>) {
        let leaf = Leaf {
            aggregate_type: event.stream.aggregate_type,
            aggregate_id: event.stream.id,
            sequence: event.sequence,
            event_type: event.event_type,
            event_version: &event.event_version.to_string(),
            payload: &event.payload,
            metadata: &event.metadata,
            event_id: event.event_id,
            recorded_at,
            occurred_at: event.imported_at.unwrap_or(recorded_at),
        };
        let bytes = &mut self.bytes;
        self.starts.push(bytes.len());
        encode::row(bytes, 13);
        encode::bigint(bytes, event.position);
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
        encode::integer(bytes, event.partition);
        encode::raw(bytes, &leaf.hash());
    }

    /// A row of `idempotency`; the columns stand as in the statement `records`.
    pub(super) fn answer(&mut self, answer: &NewAnswer, created_at: DateTime<Utc>) {
        let bytes = &mut self.bytes;
        self.starts.push(bytes.len());
        encode::row(bytes, 6);
        encode::uuid(bytes, answer.id);
        encode::uuid(bytes, answer.scope);
        encode::raw(bytes, &answer.digest);
        encode::raw(bytes, answer.answer.as_bytes());
        encode::bigints(bytes, &answer.positions);
        encode::time(bytes, created_at);
    }
}
