//! A counter that counts to three.

use domain::decider::{self, Decider, Verdict};
use serde::{Deserialize, Serialize};

/// What happened to a counter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// It came to be, and stands at one.
    CounterMade {},
    /// It went on by one.
    Counted {},
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// What may be asked of a counter.
#[derive(Debug, Clone)]
pub enum Command {
    /// Make it.
    Make,
    /// Go on by one.
    Count,
}

/// Why a counter refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such counter.
    #[error("there is no such counter")]
    Unknown,
    /// It stands at three.
    #[error("the counter is full")]
    Full,
}

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unknown => Verdict::unknown("counter-unknown"),
            Self::Full => Verdict::refused("counter-full"),
        }
    }
}

/// The counter aggregate.
pub struct Counter;

impl Decider for Counter {
    const TYPE: &'static str = "toys.counter";
    type State = u32;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(count: &u32, command: Command) -> Result<Vec<Event>, Rejection> {
        match (command, count) {
            (Command::Make, 0) => Ok(vec![Event::CounterMade {}]),
            (Command::Make, _) => Ok(vec![]),
            (Command::Count, 0) => Err(Rejection::Unknown),
            (Command::Count, 3..) => Err(Rejection::Full),
            (Command::Count, _) => Ok(vec![Event::Counted {}]),
        }
    }

    fn evolve(count: u32, _: &Event) -> u32 {
        count + 1
    }
}
