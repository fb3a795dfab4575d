//! Toy policies, and what they make of events.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use domain::streams::{Halt, Streams};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use workers::given::{STREAM, given};
use workers::runtime::{Happened, Policy, Reaction, Registered};

use super::order::{Event, Order, Tallies, Tally};

/// Whether poison does no harm any more.
pub static HEALED: AtomicBool = AtomicBool::new(false);

pub fn toys() -> Vec<Registered> {
    vec![
        Registered::policy::<TallyOrders>(),
        Registered::policy::<ExpireOrders>(),
    ]
}

/// Counts orders and payments, on a few streams.
pub struct TallyOrders;

/// The tally that counts `order`, one of eight.
pub fn tally_of(order: Uuid) -> Uuid {
    let of_eight = order.as_bytes()[15] % 8;
    Uuid::new_v5(&Uuid::nil(), &[of_eight])
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OnTally {
    pub tally: Uuid,
    pub command: Tally,
}

impl Policy for TallyOrders {
    const NAME: &'static str = "tally_orders";
    type Of = Order;
    type Command = OnTally;

    fn react(happened: &Happened<'_, Order>) -> Vec<Reaction<OnTally>> {
        let order = happened.recorded.aggregate_id;
        let on_tally = |command| {
            let tally = tally_of(order);
            Reaction::Do(OnTally { tally, command })
        };
        let count = |what: &str| {
            let what = what.to_owned();
            on_tally(Tally::Count { order, what })
        };
        match happened.event {
            Event::Ordered { .. } => vec![count("ordered"), count("ordered, too")],
            Event::Paid {} => vec![count("paid")],
            Event::Vexed {} => vec![on_tally(Tally::Demand(1_000))],
            Event::Poisoned {} if !HEALED.load(Ordering::SeqCst) => panic!("poison"),
            Event::Poisoned {} => vec![count("poisoned")],
            Event::Prolonged { .. } | Event::Expired {} => vec![],
        }
    }

    fn carry_out(command: OnTally, streams: &mut Streams) -> Result<(), Halt> {
        streams.decide::<Tallies>(command.tally, command.command)
    }
}

/// Orders that are not paid expire.
pub struct ExpireOrders;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expire {
    pub order: Uuid,
}

impl Policy for ExpireOrders {
    const NAME: &'static str = "expire_orders";
    type Of = Order;
    type Command = Expire;

    fn react(happened: &Happened<'_, Order>) -> Vec<Reaction<Expire>> {
        let order = happened.recorded.aggregate_id;
        let key = order.to_string();
        match happened.event {
            Event::Ordered { due: Some(due) } | Event::Prolonged { due } => {
                let command = Expire { order };
                vec![Reaction::At { key, due, command }]
            }
            Event::Paid {} => vec![Reaction::Cancel { key }],
            _ => vec![],
        }
    }

    fn carry_out(Expire { order }: Expire, streams: &mut Streams) -> Result<(), Halt> {
        streams.decide::<Order>(order, Event::Expired {})
    }
}

#[test]
fn an_order_is_tallied_twice_and_a_payment_once() {
    let count = |what: &str| {
        let (order, what) = (STREAM, what.to_owned());
        let tally = tally_of(STREAM);
        let command = Tally::Count { order, what };
        Reaction::Do(OnTally { tally, command })
    };
    let events = [Event::Ordered { due: None }, Event::Paid {}];
    given::<Order>(events).policy::<TallyOrders>().then([
        count("ordered"),
        count("ordered, too"),
        count("paid"),
    ]);
}

#[test]
fn an_order_expires_unless_it_is_paid() {
    let due = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::minutes(30);
    let events = [Event::Ordered { due: Some(due) }, Event::Paid {}];
    let key = STREAM.to_string();
    given::<Order>(events).policy::<ExpireOrders>().then([
        Reaction::At {
            key: key.clone(),
            due,
            command: Expire { order: STREAM },
        },
        Reaction::Cancel { key },
    ]);
}
