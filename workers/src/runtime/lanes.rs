//! Which events may be reacted to at once: those of one stream, for one policy, one after the other.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, VecDeque};

use event_store::Position;
use uuid::Uuid;

/// A policy, by its place in the table, and a stream.
pub(super) type Lane = (usize, Uuid);

/// What is under way and what waits behind it; `J` is what is to be done.
pub(super) struct Lanes<J> {
    /// The lanes in which something is under way, and what waits there.
    waiting: HashMap<Lane, VecDeque<J>>,
    /// How far each policy is.
    progress: Vec<Progress>,
    jobs: usize,
}

/// How far a policy is.
#[derive(Debug, Clone, Default)]
struct Progress {
    /// Up to where the log was looked through for it.
    read: Position,
    /// What is not done of that.
    open: BTreeSet<Position>,
}

impl<J> Lanes<J> {
    /// For policies that are as far as `positions` say.
    pub(super) fn new(positions: &[Position]) -> Self {
        let progress = |read: &Position| Progress {
            read: *read,
            open: BTreeSet::new(),
        };
        Self {
            waiting: HashMap::new(),
            progress: positions.iter().map(progress).collect(),
            jobs: 0,
        }
    }

    /// How much is under way or waits.
    pub(super) fn jobs(&self) -> usize {
        self.jobs
    }

    /// Whether `policy` has passed `position`.
    pub(super) fn has_read(&self, policy: usize, position: Position) -> bool {
        self.progress[policy].read >= position
    }

    /// The log was looked through up to `position` for every policy that is not further.
    pub(super) fn read(&mut self, position: Position) {
        for progress in &mut self.progress {
            progress.read = progress.read.max(position);
        }
    }

    /// The event at `position` is to be done: gives it back when that may begin at once.
    pub(super) fn add(&mut self, lane: Lane, position: Position, job: J) -> Option<J> {
        self.progress[lane.0].open.insert(position);
        self.add_again(lane, job)
    }

    /// The same of an event that was passed before.
    pub(super) fn add_again(&mut self, lane: Lane, job: J) -> Option<J> {
        self.jobs += 1;
        match self.waiting.entry(lane) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push_back(job);
                None
            }
            Entry::Vacant(free) => {
                free.insert(VecDeque::new());
                Some(job)
            }
        }
    }

    /// The event at `position` is done, or parked: gives what may begin in its place.
    pub(super) fn done(&mut self, lane: Lane, position: Position) -> Option<J> {
        self.progress[lane.0].open.remove(&position);
        self.jobs -= 1;
        let next = self.waiting.get_mut(&lane)?.pop_front();
        if next.is_none() {
            self.waiting.remove(&lane);
        }
        next
    }

    /// Whether something is under way there.
    pub(super) fn is_busy(&self, lane: &Lane) -> bool {
        self.waiting.contains_key(lane)
    }

    /// Everything up to here is done for `policy`.
    pub(super) fn completed(&self, policy: usize) -> Position {
        let progress = &self.progress[policy];
        progress.open.first().map_or(progress.read, |open| open - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[test]
    fn a_position_is_passed_when_everything_before_it_is_done() {
        let mut lanes = Lanes::new(&[4, 0]);
        assert_eq!(lanes.add((0, ONE), 5, "a"), Some("a"));
        assert_eq!(lanes.add((0, OTHER), 7, "b"), Some("b"));
        lanes.read(9);
        assert_eq!((lanes.completed(0), lanes.completed(1)), (4, 9));
        assert_eq!(lanes.done((0, OTHER), 7), None);
        assert_eq!(lanes.completed(0), 4);
        assert_eq!(lanes.done((0, ONE), 5), None);
        assert_eq!((lanes.completed(0), lanes.jobs()), (9, 0));
    }

    #[test]
    fn events_of_one_stream_come_one_after_the_other_for_one_policy() {
        let mut lanes = Lanes::new(&[0, 0]);
        assert_eq!(lanes.add((0, ONE), 1, "a"), Some("a"));
        assert_eq!(lanes.add((0, ONE), 2, "b"), None);
        assert_eq!(lanes.add((0, ONE), 3, "c"), None);
        assert_eq!(lanes.add((1, ONE), 1, "other"), Some("other"));
        assert_eq!(lanes.done((0, ONE), 1), Some("b"));
        assert_eq!(lanes.done((0, ONE), 2), Some("c"));
        assert!(lanes.is_busy(&(0, ONE)));
        assert_eq!(lanes.done((0, ONE), 3), None);
        assert!(!lanes.is_busy(&(0, ONE)));
    }
}
