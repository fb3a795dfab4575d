//! Sharing out what a source delivers: the batches of a topic partition one after the other, those
//! of several partitions at the same time. While a batch is under way the next one of its partition
//! grows.

use std::collections::{HashMap, HashSet, VecDeque};

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};

use super::batch::How;
use super::delivered::{Batch, Delivered, Place};
use super::run::{Error, Projector};

/// The most events of a batch.
const BATCH: usize = 5_000;
/// The most batches at a time, each with a connection to the read tables.
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
        let mut under_way: JoinSet<Result<Place, Error>> = JoinSet::new();
        let mut open = true;
        loop {
            while under_way.len() < AT_ONCE
                && let Some(batch) = waiting.next()
            {
                under_way.spawn(self.clone().finish(batch));
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

    async fn finish(self, (place, mut events): (Place, Vec<Delivered>)) -> Result<Place, Error> {
        self.open(&mut events).await?;
        let batch = Batch {
            place: &place,
            claim: events.first().and_then(claim),
            events: &events,
        };
        self.settle(batch, How::default()).await?;
        Ok(place)
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

    fn next(&mut self) -> Option<(Place, Vec<Delivered>)> {
        let place = self.ready.pop_front()?;
        let waiting = self.events.entry(place.clone()).or_default();
        let events: Vec<Delivered> = waiting.drain(..waiting.len().min(BATCH)).collect();
        self.weight -= events.iter().map(Delivered::weight).sum::<usize>();
        self.busy.insert(place.clone());
        Some((place, events))
    }

    fn done(&mut self, place: Place) {
        self.busy.remove(&place);
        if self
            .events
            .get(&place)
            .is_some_and(|events| !events.is_empty())
        {
            self.ready.push_back(place);
        }
    }
}
