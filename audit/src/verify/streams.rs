//! How far each stream is.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use event_store::BorrowedEvent;
use uuid::Uuid;

use super::Fault;

/// The last version of every stream: some 50 bytes a stream, so a log of a million streams takes
/// 50 MB.
#[derive(Default)]
pub(super) struct Streams(HashMap<Uuid, u32, foldhash::fast::RandomState>);

impl Streams {
    /// Goes on by an event, which is to be the next of its stream.
    pub(super) fn follow(&mut self, event: &BorrowedEvent<'_>) -> Option<Fault> {
        let found = event.sequence;
        let last = u32::try_from(found).unwrap_or(u32::MAX);
        let wanted = match self.0.entry(event.aggregate_id) {
            Entry::Occupied(mut held) => 1 + i64::from(held.insert(last)),
            Entry::Vacant(new) => {
                new.insert(last);
                1
            }
        };
        (found != wanted).then(|| Fault::Version {
            position: event.position.unsigned_abs(),
            stream: event.aggregate_id,
            wanted: wanted.unsigned_abs(),
            found,
        })
    }
}
