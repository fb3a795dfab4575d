//! Toy aggregates that take whatever comes: what is done twice shows in their events.

use chrono::{DateTime, Utc};
use domain::decider::{self, Decider, Verdict};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What happened to an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// It is to be tallied, and expires some time.
    Ordered {
        /// When it expires, if it does.
        due: Option<DateTime<Utc>>,
    },
    /// It does not expire any more.
    Paid {},
    /// It expires at another time.
    Prolonged {
        /// When.
        due: DateTime<Utc>,
    },
    /// It expired; a second time as well, if it is told to.
    Expired {},
    /// Policies panic over it, until they are healed.
    Poisoned {},
    /// A policy wants something that is refused.
    Vexed {},
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// It refuses nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no")]
pub struct No;

impl decider::Rejection for No {
    fn verdict(&self) -> Verdict {
        Verdict::refused("no")
    }
}

/// An order.
pub struct Order;

impl Decider for Order {
    const TYPE: &'static str = "toys.order";
    type State = u32;
    type Command = Event;
    type Event = Event;
    type Rejection = No;

    fn decide(_: &u32, command: Event) -> Result<Vec<Event>, No> {
        Ok(vec![command])
    }

    fn evolve(events: u32, _: &Event) -> u32 {
        events + 1
    }
}

/// What happened to a tally.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Tallied {
    /// Something was counted.
    Counted {
        /// Which order.
        order: Uuid,
        /// Which of its events, by name.
        what: String,
    },
}

impl decider::Event for Tallied {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// What is asked of a tally.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Tally {
    /// Count it, again if it was before.
    Count {
        /// Which order.
        order: Uuid,
        /// Which of its events, by name.
        what: String,
    },
    /// Refuse while fewer than so many were counted.
    Demand(u32),
}

/// A tally.
pub struct Tallies;

impl Decider for Tallies {
    const TYPE: &'static str = "toys.tally";
    type State = u32;
    type Command = Tally;
    type Event = Tallied;
    type Rejection = No;

    fn decide(count: &u32, command: Tally) -> Result<Vec<Tallied>, No> {
        match command {
            Tally::Count { order, what } => Ok(vec![Tallied::Counted { order, what }]),
            Tally::Demand(least) if *count < least => Err(No),
            Tally::Demand(_) => Ok(vec![Tallied::Counted {
                order: Uuid::nil(),
                what: "demanded".to_owned(),
            }]),
        }
    }

    fn evolve(count: u32, _: &Tallied) -> u32 {
        count + 1
    }
}
