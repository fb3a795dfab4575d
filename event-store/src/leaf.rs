//! The leaf hash of an event: what a proof of the log rests on.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::recorded::RecordedEvent;

/// What the leaf hash of an event covers.
pub(crate) struct Leaf<'a> {
    pub(crate) aggregate_type: &'a str,
    pub(crate) aggregate_id: Uuid,
    pub(crate) sequence: i64,
    pub(crate) event_type: &'a str,
    pub(crate) event_version: &'a str,
    pub(crate) payload: &'a str,
    pub(crate) metadata: &'a str,
    pub(crate) event_id: Uuid,
    pub(crate) recorded_at: DateTime<Utc>,
    pub(crate) occurred_at: DateTime<Utc>,
}

/// SHA-256(0x00 ‖ fields), RFC 9162 §2.1.1. The fields are the stored bytes of stream, sequence,
/// type, payload, metadata and times, each text with its length in front, so that no two events
/// share an input. The position is not among them: it is the leaf's place in the tree.
pub fn leaf_hash<T: AsRef<str>>(event: &RecordedEvent<T>) -> [u8; 32] {
    Leaf::of(event).hash()
}

/// What the leaf hash of an event is over, without the 0x00 in front.
pub fn leaf_input<T: AsRef<str>>(event: &RecordedEvent<T>) -> Vec<u8> {
    let mut input = Vec::new();
    Leaf::of(event).put(|bytes| input.extend_from_slice(bytes));
    input
}

impl<'a> Leaf<'a> {
    fn of<T: AsRef<str>>(event: &'a RecordedEvent<T>) -> Self {
        Self {
            aggregate_type: event.aggregate_type.as_ref(),
            aggregate_id: event.aggregate_id,
            sequence: event.sequence,
            event_type: event.event_type.as_ref(),
            event_version: event.event_version.as_ref(),
            payload: event.payload.as_ref(),
            metadata: event.metadata.as_ref(),
            event_id: event.event_id,
            recorded_at: event.recorded_at,
            occurred_at: event.occurred_at,
        }
    }

    /// See [`leaf_hash`].
    pub(crate) fn hash(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update([0]);
        self.put(|bytes| hash.update(bytes));
        hash.finalize().into()
    }

    /// Gives its bytes to `put`, piece after piece.
    fn put(&self, mut put: impl FnMut(&[u8])) {
        text(&mut put, self.aggregate_type);
        put(self.aggregate_id.as_bytes());
        put(&self.sequence.to_be_bytes());
        text(&mut put, self.event_type);
        text(&mut put, self.event_version);
        text(&mut put, self.payload);
        text(&mut put, self.metadata);
        put(self.event_id.as_bytes());
        time(&mut put, self.recorded_at);
        time(&mut put, self.occurred_at);
    }
}

fn text(put: &mut impl FnMut(&[u8]), text: &str) {
    put(&(text.len() as u64).to_be_bytes());
    put(text.as_bytes());
}

/// PostgreSQL keeps microseconds; so does the hash.
fn time(put: &mut impl FnMut(&[u8]), time: DateTime<Utc>) {
    put(&time.timestamp_micros().to_be_bytes());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use uuid::Uuid;

    fn event(event_type: &str, payload: &str) -> RecordedEvent {
        let time = DateTime::from_timestamp(1, 0).unwrap();
        RecordedEvent {
            position: 7,
            event_id: Uuid::nil(),
            aggregate_type: "a.b".into(),
            aggregate_id: Uuid::nil(),
            sequence: 1,
            event_type: event_type.into(),
            event_version: "1".into(),
            payload: payload.into(),
            metadata: "{}".into(),
            recorded_at: time,
            occurred_at: time,
            partition: 0,
        }
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        assert_ne!(leaf_hash(&event("ab", "c")), leaf_hash(&event("a", "bc")));
    }

    #[test]
    fn the_position_is_no_part_of_it() {
        let mut moved = event("a", "{}");
        moved.position = 8;
        assert_eq!(leaf_hash(&moved), leaf_hash(&event("a", "{}")));
    }
}
