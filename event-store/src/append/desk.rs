//! The writer's desk: the streams it has at hand, as the commands that are under way will leave
//! them.
//!
//! What lies here is known, not guessed: only this task writes by it, and `floor` is the last
//! position at which another process is known to have written. A stream that was last verified
//! below the floor is read up to date before it is decided on.

use domain::streams::{Loaded, StreamId, StreamKind};
use foldhash::HashMap;

use crate::load::Point;
use crate::recorded::Position;

/// About how many bytes the streams at hand may take, counted by the events folded into them.
const MOST_BYTES: usize = 48 << 20;
/// The most that one state is counted for.
const MOST_STATE_BYTES: usize = 1 << 20;
/// What a stream takes beside its state.
const ENTRY_BYTES: usize = 512;

/// A stream at hand.
struct Entry {
    /// As it is committed.
    committed: Point,
    /// As it will be when every batch under way is committed.
    next: Point,
    /// How many writes of it are under way.
    pending: u32,
    /// Every event of it up to this position is in it.
    verified_at: Position,
}

impl Entry {
    fn weight(&self) -> usize {
        // A long stream need not have a large state.
        ENTRY_BYTES + self.next.weight.min(MOST_STATE_BYTES)
    }
}

/// What the desk says of a stream.
pub(super) enum Look {
    Known(Loaded),
    /// It has to be read: from this point on, or altogether.
    Unknown(Option<Point>),
    /// Its state is not known before what is under way is committed.
    Busy,
}

#[derive(Default)]
pub(super) struct Desk {
    /// Streams used of late.
    young: HashMap<StreamId, Entry>,
    /// Streams not used since `young` was last emptied: the next to go.
    old: HashMap<StreamId, Entry>,
    young_bytes: usize,
    floor: Position,
}

impl Desk {
    /// What is known of a stream, for a decision of this kind. What is checked when it is stored
    /// may be `stale`.
    pub(super) fn look(&mut self, stream: StreamId, kind: &StreamKind, stale: bool) -> Look {
        let floor = if stale { 0 } else { self.floor };
        let Some(entry) = self.entry(stream) else {
            return Look::Unknown(None);
        };
        let is_over = entry.next.held.is_over();
        if (entry.next.state.is_none() || is_over) && !kind.opaque {
            return match entry.pending {
                0 => Look::Unknown(None),
                _ => Look::Busy,
            };
        }
        if entry.verified_at < floor && entry.pending == 0 {
            return Look::Unknown(Some(entry.committed.clone()));
        }
        Look::Known(entry.next.loaded(kind))
    }

    /// Where a stream at hand will stand.
    pub(super) fn next(&mut self, stream: StreamId) -> Option<&Point> {
        self.entry(stream).map(|entry| &entry.next)
    }

    /// The committed point of a stream, however old it is.
    pub(super) fn committed(&mut self, stream: StreamId) -> Option<Point> {
        self.entry(stream).map(|entry| entry.committed.clone())
    }

    /// Lays down a stream that was read when the log ended at `as_of`.
    pub(super) fn put(&mut self, stream: StreamId, point: Point, as_of: Position) {
        let pending = self.entry(stream).is_some_and(|entry| entry.pending > 0);
        // What this task itself has under way is newer than anything that was read.
        if !pending {
            self.insert(
                stream,
                Entry {
                    committed: point.clone(),
                    next: point,
                    pending: 0,
                    verified_at: as_of,
                },
            );
        }
    }

    /// A write of a stream goes under way: this is where it will leave it.
    pub(super) fn write(&mut self, stream: StreamId, before: Point, next: Point) {
        if let Some(entry) = self.entry(stream) {
            entry.next = next;
            entry.pending += 1;
            return;
        }
        // A new stream: that it was empty is proved by the commit of its first event.
        let entry = Entry {
            committed: before,
            next,
            pending: 1,
            verified_at: Position::MAX,
        };
        self.insert(stream, entry);
    }

    /// A write is committed: the log ends at `head` with it.
    pub(super) fn commit(&mut self, stream: StreamId, point: Point, head: Position) {
        let Some(entry) = self.entry(stream) else {
            return;
        };
        entry.pending = entry.pending.saturating_sub(1);
        if entry.pending == 0 {
            entry.next = point.clone();
        }
        entry.committed = point;
        entry.verified_at = head;
    }

    /// A write failed, and with it every later one that is under way.
    pub(super) fn fail(&mut self, stream: StreamId) {
        let Some(entry) = self.entry(stream) else {
            return;
        };
        entry.pending = 0;
        entry.next = entry.committed.clone();
        if entry.verified_at == Position::MAX {
            self.remove(stream);
        }
    }

    /// Another process has written: the log ends at `head`, and what was verified before that is
    /// to be verified again.
    pub(super) fn raise(&mut self, head: Position) {
        self.floor = head;
    }

    /// Forgets the states that hold personal data: those whose time is over, or all of them. Those
    /// that are written just now go as soon as that is committed.
    pub(super) fn forget_personal(&mut self, all: bool) {
        for entries in [&mut self.young, &mut self.old] {
            if all {
                for entry in entries.values_mut() {
                    entry.committed.held = entry.committed.held.over();
                    entry.next.held = entry.next.held.over();
                }
            }
            entries.retain(|_, entry| entry.pending > 0 || !entry.next.held.is_over());
        }
    }

    fn entry(&mut self, stream: StreamId) -> Option<&mut Entry> {
        if let Some(entry) = self.old.remove(&stream) {
            self.insert(stream, entry);
        }
        self.young.get_mut(&stream)
    }

    fn insert(&mut self, stream: StreamId, entry: Entry) {
        if self.young_bytes + entry.weight() > MOST_BYTES / 2 {
            self.age();
        }
        self.young_bytes += entry.weight();
        if let Some(before) = self.young.insert(stream, entry) {
            self.young_bytes = self.young_bytes.saturating_sub(before.weight());
        }
    }

    /// Drops what was not used since the last time, but for what is under way.
    fn age(&mut self) {
        let young = std::mem::take(&mut self.young);
        let dropped = std::mem::replace(&mut self.old, young);
        self.young_bytes = 0;
        for (stream, entry) in dropped {
            if entry.pending > 0 {
                self.young_bytes += entry.weight();
                self.young.insert(stream, entry);
            }
        }
    }

    fn remove(&mut self, stream: StreamId) {
        if let Some(entry) = self.young.remove(&stream) {
            self.young_bytes = self.young_bytes.saturating_sub(entry.weight());
        }
    }
}
