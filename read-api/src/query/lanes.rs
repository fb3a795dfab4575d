//! Connections that share what is asked: few while they keep up, more when one is held up.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use event_store::wire::{Rows, Target};
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout};

use super::error::Error;
use super::{Sql, lane};

/// A flight that takes longer than most: what waits is not left to its lane.
const HELD_UP: Duration = Duration::from_millis(5);
/// How often a lane that is held up looks after those who wait.
const GLANCE: Duration = Duration::from_millis(200);
/// How long a question waits while every connection is held up.
const WAIT_LIMIT: Duration = Duration::from_secs(2);
/// How long a connection is kept that nothing is asked of.
const IDLE_LIMIT: Duration = Duration::from_secs(60);

/// How many there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections.
    pub(super) connections: usize,
    /// Questions of a flight.
    pub(super) flight: usize,
}

/// A question, and who hears the answer.
pub(super) struct Ask {
    pub(super) query: Sql,
    answer: oneshot::Sender<Result<Rows, Error>>,
    asked_at: Instant,
}

impl Ask {
    pub(super) fn answer(self, answer: Result<Rows, Error>) {
        // Who asked may have gone.
        let _gone = self.answer.send(answer);
    }
}

/// The way to connections that serve the same questions.
#[derive(Clone)]
pub(super) struct Lanes(Arc<Shared>);

/// What lanes, each a task with a connection, share.
pub(super) struct Shared {
    pub(super) target: Target,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Ask>,
    /// Those that wait for questions, the one that has waited longest first: it may end.
    idle: Vec<Arc<Notify>>,
    /// Tasks that there are.
    lanes: usize,
    /// Those that soon take what waits: neither idle nor held up.
    brisk: usize,
    /// Those that have a connection.
    connected: usize,
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lanes to {:?}", self.0.target)
    }
}

impl Lanes {
    pub(super) fn new(target: Target, limits: Limits) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Shared {
            target,
            limits,
            state,
        }))
    }

    /// The rows of `query`.
    pub(super) async fn ask(&self, query: Sql) -> Result<Rows, Error> {
        let (answer, receiver) = oneshot::channel();
        self.0.put(Ask {
            query,
            answer,
            asked_at: Instant::now(),
        });
        receiver.await.unwrap_or(Err(Error::Busy))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(self: &Arc<Self>, ask: Ask) {
        let mut state = self.state();
        state.waiting.push_back(ask);
        self.call(&mut state);
    }

    /// Sees to it that what waits is taken soon: by those at work if their next flights have room
    /// for it, else by one more.
    fn call(self: &Arc<Self>, state: &mut State) {
        if state.waiting.len() <= state.brisk * self.limits.flight {
            return;
        }
        if let Some(idle) = state.idle.pop() {
            state.brisk += 1;
            idle.notify_one();
        } else if state.lanes < self.limits.connections {
            state.lanes += 1;
            state.brisk += 1;
            tokio::spawn(lane::run(self.clone()));
        }
    }

    /// The questions of the next flight.
    pub(super) fn take(&self) -> VecDeque<Ask> {
        let mut state = self.state();
        let mut asks = VecDeque::new();
        while asks.len() < self.limits.flight {
            let Some(ask) = state.waiting.pop_front() else {
                break;
            };
            if !ask.answer.is_closed() {
                asks.push_back(ask);
            }
        }
        asks
    }

    /// Gives back what can't be asked now, if there is another lane that can ask it; the lane that
    /// gives back ends.
    pub(super) fn give_back(&self, asks: &mut VecDeque<Ask>) -> bool {
        let mut state = self.state();
        if state.connected == 0 {
            return false;
        }
        asks.append(&mut state.waiting);
        std::mem::swap(asks, &mut state.waiting);
        state.brisk -= 1;
        state.lanes -= 1;
        if let Some(idle) = state.idle.pop() {
            state.brisk += 1;
            idle.notify_one();
        }
        true
    }

    /// Waits for `flight`. If that takes long, others take what waits meanwhile.
    pub(super) async fn watch<T>(self: &Arc<Self>, flight: impl Future<Output = T>) -> T {
        let mut flight = std::pin::pin!(flight);
        if let Ok(landed) = timeout(HELD_UP, &mut flight).await {
            return landed;
        }
        {
            let mut state = self.state();
            state.brisk -= 1;
            self.call(&mut state);
        }
        loop {
            if let Ok(landed) = timeout(GLANCE, &mut flight).await {
                self.state().brisk += 1;
                return landed;
            }
            self.refuse_old();
        }
    }

    /// Answers those who have waited for too long.
    fn refuse_old(&self) {
        let mut state = self.state();
        let old = |ask: &Ask| ask.asked_at.elapsed() > WAIT_LIMIT;
        while state.waiting.front().is_some_and(old) {
            if let Some(ask) = state.waiting.pop_front() {
                ask.answer(Err(Error::Busy));
            }
        }
    }

    /// Waits until something is asked; false when that takes so long that the lane ends.
    pub(super) async fn rest(&self, woken: &Arc<Notify>) -> bool {
        {
            let mut state = self.state();
            if !state.waiting.is_empty() {
                return true;
            }
            state.brisk -= 1;
            state.idle.push(woken.clone());
        }
        if timeout(IDLE_LIMIT, woken.notified()).await.is_ok() {
            return true;
        }
        let ended = {
            let mut state = self.state();
            let place = state.idle.iter().position(|one| Arc::ptr_eq(one, woken));
            place.map(|place| {
                state.idle.remove(place);
                state.lanes -= 1;
            })
        };
        if ended.is_none() {
            // It was woken just now.
            woken.notified().await;
        }
        ended.is_none()
    }

    /// Counts a connection that was made, or lost.
    pub(super) fn count(&self, made: bool) {
        let mut state = self.state();
        match made {
            true => state.connected += 1,
            false => state.connected -= 1,
        }
    }
}
