//! Sharing out what a source delivers: what waits in several topic partitions is applied together,
//! the batches of one partition one after the other. While some are under way the next ones grow.

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZero;
use std::thread::available_parallelism;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::delivered::{Batch, Delivered, Place};
use super::run::{Error, Projector};

/// The most events that are applied together.
const TOGETHER: usize = 5_000;
/// The most transactions at a time, each with a connection to the read tables, however many CPUs
/// there are. More of them than CPUs make batches smaller, and everything later.
const AT_ONCE: usize = 4;
/// About how many bytes of events wait at most.
const MOST_WAITING: usize = 32 << 20;

/// What waits for its turn.
#[derive(Default)]
struct Waiting {
    events: HashMap<Place, VecDeque<Delivered>>,
    /// The partitions that have events waiting and no batch under way, in turn.
    ready: VecDeque<Place>,
    busy: HashSet<Place>,
    weight: usize,
}

impl Projector {
    /// Applies what comes by `receiver`, until nothing comes any more.
    pub(super) async fn consume(
        &self,
        mut receiver: mpsc::Receiver<Vec<Delivered>>,
    ) -> Result<(), Error> {
        let mut waiting = Waiting::default();
        let mut under_way: JoinSet<Result<Vec<Place>, Error>> = JoinSet::new();
        let mut open = true;
        let cpus = available_parallelism().map_or(1, NonZero::get);
        let at_once = cpus.clamp(2, AT_ONCE);
        loop {
            while under_way.len() < at_once
                && let Some(batches) = waiting.next()
            {
                under_way.spawn(self.clone().finish(batches));
            }
            tokio::select! {
                chunk = receiver.recv(), if open && waiting.weight < MOST_WAITING => match chunk {
                    Some(chunk) => waiting.add(chunk),
                    None => open = false,
                },
                Some(done) = under_way.join_next() => {
                    waiting.done(done.unwrap_or_else(rethrow)?);
                }
                else => return Ok(()),
            }
        }
    }

    /// Applies events of several partitions; gives which partitions those are.
    async fn finish(
        self,
        mut delivered: Vec<(Place, Vec<Delivered>)>,
    ) -> Result<Vec<Place>, Error> {
        for (_, events) in &mut delivered {
            self.open(events).await?;
        }
        let batches = delivered.iter().map(|(place, events)| Batch {
            place,
            claim: events.first().and_then(claim),
            events,
        });
        let batches: Vec<Batch<'_>> = batches.collect();
        self.settle_all(&batches).await?;
        Ok(delivered.into_iter().map(|(place, _)| place).collect())
    }
}

/// The claim that an event came under.
fn claim(delivered: &Delivered) -> Option<i64> {
    delivered.message.map(|message| message.claim)
}

fn rethrow<T>(error: JoinError) -> T {
    std::panic::resume_unwind(error.into_panic())
}

impl Waiting {
    fn add(&mut self, chunk: Vec<Delivered>) {
        for delivered in chunk {
            let place = delivered.place();
            let events = self.events.entry(place.clone()).or_default();
            // What was read under an older claim comes again under this one.
            if events
                .back()
                .map(claim)
                .is_some_and(|older| older != claim(&delivered))
            {
                self.weight -= events.drain(..).map(|one| one.weight()).sum::<usize>();
            }
            self.weight += delivered.weight();
            events.push_back(delivered);
            let first = events.len() == 1 && !self.ready.contains(&place);
            if first && !self.busy.contains(&place) {
                self.ready.push_back(place);
            }
        }
    }

    /// What is to be applied together next.
    fn next(&mut self) -> Option<Vec<(Place, Vec<Delivered>)>> {
        let mut next = Vec::new();
        let mut room = TOGETHER;
        while room > 0
            && let Some(place) = self.ready.pop_front()
        {
            let waiting = self.events.entry(place.clone()).or_default();
            let events: Vec<Delivered> = waiting.drain(..waiting.len().min(room)).collect();
            self.weight -= events.iter().map(Delivered::weight).sum::<usize>();
            room -= events.len();
            self.busy.insert(place.clone());
            next.push((place, events));
        }
        (!next.is_empty()).then_some(next)
    }

    fn done(&mut self, places: Vec<Place>) {
        for place in places {
            self.busy.remove(&place);
            let waiting = self.events.get(&place);
            if waiting.is_some_and(|events| !events.is_empty()) {
                self.ready.push_back(place);
            }
        }
    }
}
