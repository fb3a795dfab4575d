//! What is under way for policies: events come in page by page, and are reacted to, many at once.

use std::collections::HashSet;

use event_store::{Log, Position, RecordedEvent};
use tokio::task::JoinSet;

use super::error::{Error, Failure};
use super::lanes::{Lane, Lanes};
use super::lead::Written;
use super::parked::{Parked, Parking};
use super::react::react;
use super::reading::{Page, Reading};
use super::registered::Registered;
use crate::measure;

/// The most events that are under way or wait behind such, before more are read.
const MOST: usize = 256;

/// An event for a policy.
struct Job {
    event: RecordedEvent,
    /// It was parked before.
    again: bool,
}

/// What came of it.
struct Done {
    lane: Lane,
    job: Job,
    result: Result<(), Failure>,
}

/// Policies at work on what is read of the log.
pub(super) struct Work {
    log: Log,
    policies: Vec<Registered>,
    reading: Reading,
    /// Whether there is more to read.
    reads: bool,
    lanes: Lanes<Job>,
    tasks: JoinSet<Done>,
    parked: HashSet<Lane>,
    /// How far each policy was written down to be.
    written: Vec<Position>,
    to_park: Vec<Parking>,
    to_unpark: Vec<(&'static str, Position)>,
}

impl Work {
    /// `policies`, each from its own one of `positions` on: up to `until`, or as the log grows.
    pub(super) fn start(
        log: &Log,
        policies: Vec<Registered>,
        positions: Vec<Position>,
        until: Option<Position>,
    ) -> Self {
        let wanted = policies.iter().map(|one| one.aggregate_type).collect();
        let least = positions.iter().copied().min().unwrap_or(0);
        Self {
            reading: Reading::start(log, wanted, least, until),
            reads: true,
            lanes: Lanes::new(&positions),
            tasks: JoinSet::new(),
            parked: HashSet::new(),
            written: positions,
            to_park: Vec::new(),
            to_unpark: Vec::new(),
            log: log.clone(),
            policies,
        }
    }

    /// Takes a page, or what became of an event, when either is there. Given up while it waits, it
    /// loses nothing.
    ///
    /// # Errors
    /// When the log can't be read on, or nothing can be done here.
    pub(super) async fn step(&mut self) -> Result<(), Error> {
        let has_room = self.reads && self.lanes.jobs() < MOST;
        tokio::select! {
            Some(done) = self.tasks.join_next() => {
                self.end(done.map_err(|error| Error::Fatal(error.to_string()))?)
            }
            page = self.reading.next(), if has_room => {
                match page.transpose()? {
                    Some(page) => self.take(page),
                    None => self.reads = false,
                }
                Ok(())
            }
            else => std::future::pending().await,
        }
    }

    fn take(&mut self, page: Page) {
        for event in page.events {
            for index in 0..self.policies.len() {
                let is_its = self.policies[index].aggregate_type == event.aggregate_type;
                if !is_its || self.lanes.has_read(index, event.position) {
                    continue;
                }
                let lane = (index, event.aggregate_id);
                if self.parked.contains(&lane) {
                    self.park(index, &event, None);
                    continue;
                }
                let job = Job {
                    event: event.clone(),
                    again: false,
                };
                let begins = self.lanes.add(lane, event.position, job);
                self.begin(lane, begins);
            }
        }
        self.lanes.read(page.last);
    }

    fn begin(&mut self, lane: Lane, job: Option<Job>) {
        let Some(job) = job else { return };
        let (log, policy) = (self.log.clone(), self.policies[lane.0].clone());
        self.tasks.spawn(async move {
            let result = react(&log, &policy, &job.event).await;
            Done { lane, job, result }
        });
    }

    fn end(&mut self, done: Done) -> Result<(), Error> {
        let Done { lane, job, result } = done;
        let (policy, position) = (self.policies[lane.0].name, job.event.position);
        let failed = result.is_err();
        match result {
            Ok(()) if job.again => self.to_unpark.push((policy, position)),
            Ok(()) => {}
            Err(Failure::Fatal(why)) => return Err(Error::Fatal(why)),
            Err(Failure::Away(why) | Failure::Fault(why)) => {
                tracing::error!(policy, position, why, "an event is parked");
                self.parked.insert(lane);
                self.park(lane.0, &job.event, Some(why));
            }
        }
        let mut next = self.lanes.done(lane, position);
        // What waits behind an event that fails is parked behind it, or stays so.
        while failed && let Some(behind) = next {
            if !behind.again {
                self.park(lane.0, &behind.event, None);
            }
            next = self.lanes.done(lane, behind.event.position);
        }
        self.begin(lane, next);
        Ok(())
    }

    fn park(&mut self, policy: usize, event: &RecordedEvent, error: Option<String>) {
        let policy = self.policies[policy].name;
        measure::parked(policy);
        self.to_park.push(Parking::of(policy, event, error));
    }

    /// What is to be written down by now; none when nothing is. It is not given again.
    pub(super) fn take_written(&mut self) -> Option<Written> {
        let mut written = Written {
            parked: std::mem::take(&mut self.to_park),
            unparked: std::mem::take(&mut self.to_unpark),
            ..Written::default()
        };
        for (index, policy) in self.policies.iter().enumerate() {
            let completed = self.lanes.completed(index);
            if completed != self.written[index] {
                self.written[index] = completed;
                written.policies.push(policy.name);
                written.positions.push(completed);
            }
        }
        let nothing =
            written.policies.is_empty() && written.parked.is_empty() && written.unparked.is_empty();
        (!nothing).then_some(written)
    }

    /// Everything that is parked, as the database has it; nothing is left to be written.
    pub(super) fn know_parked(&mut self, all: &[Parked]) {
        self.parked = all.iter().filter_map(|one| self.lane_of(one)).collect();
    }

    fn lane_of(&self, parked: &Parked) -> Option<Lane> {
        let of_it = |policy: &Registered| policy.name == parked.policy;
        let policy = self.policies.iter().position(of_it)?;
        Some((policy, parked.aggregate_id))
    }

    /// Whether the parked event at the head of a stream is to be tried, and is not being so.
    pub(super) fn may_try(&self, parked: &Parked) -> bool {
        let lane = self.lane_of(parked);
        parked.error.is_none() && lane.is_some_and(|lane| !self.lanes.is_busy(&lane))
    }

    /// Tries the parked events of a stream again, in order, until one of them fails.
    pub(super) fn try_again(&mut self, parked: &Parked, events: Vec<RecordedEvent>) {
        let Some(lane) = self.lane_of(parked) else {
            return;
        };
        for event in events {
            let begins = self.lanes.add_again(lane, Job { event, again: true });
            self.begin(lane, begins);
        }
    }

    /// Up to where everything is done for the first of its policies.
    pub(super) fn completed(&self) -> Position {
        self.lanes.completed(0)
    }
}
