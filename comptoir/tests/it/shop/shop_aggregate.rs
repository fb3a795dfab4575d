//! A shop whose events have changed since some were stored.

use domain::decider::{self, Decider, Verdict};
use domain::upcast::{Stored, Upcaster};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What happens to a shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// It opened; version 1 had no number of doors.
    ShopOpened { doors: u32 },
    /// Somebody came; once a count, then a list.
    PersonCame { name: String },
}

fn stored(event_type: &'static str, version: u16, payload: Value) -> Stored {
    Stored {
        event_type,
        version,
        payload,
    }
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }

    fn upcasters() -> &'static [Upcaster] {
        &[
            Upcaster {
                event_type: "ShopOpened",
                from_version: 1,
                to: |_| vec![stored("ShopOpened", 2, json!({ "doors": 1 }))],
            },
            Upcaster {
                event_type: "PeopleCame",
                from_version: 1,
                to: |payload| {
                    let count = payload["count"].as_u64().unwrap_or(0);
                    let names: Vec<_> = (1..=count).map(|n| format!("visitor {n}")).collect();
                    vec![stored("CrowdCame", 1, json!({ "names": names }))]
                },
            },
            Upcaster {
                event_type: "CrowdCame",
                from_version: 1,
                to: |payload| {
                    let names = payload["names"].as_array().cloned().unwrap_or_default();
                    let came = |name| stored("PersonCame", 1, json!({ "name": name }));
                    names.into_iter().map(came).collect()
                },
            },
            Upcaster {
                event_type: "DoorPainted",
                from_version: 1,
                to: |_| vec![],
            },
        ]
    }
}

/// Somebody comes.
#[derive(Debug, Clone)]
pub struct Come;

/// The shop is not there.
#[derive(Debug, thiserror::Error)]
#[error("there is no such shop")]
pub struct Unknown;

impl decider::Rejection for Unknown {
    fn verdict(&self) -> Verdict {
        Verdict::unknown("shop-unknown")
    }
}

/// A shop as its events left it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub doors: u32,
    pub visitors: u32,
}

/// The shop aggregate.
pub struct Shop;

impl Decider for Shop {
    const TYPE: &'static str = "toys.shop";
    type State = State;
    type Command = Come;
    type Event = Event;
    type Rejection = Unknown;

    fn decide(state: &State, Come: Come) -> Result<Vec<Event>, Unknown> {
        if state.doors == 0 {
            return Err(Unknown);
        }
        let name = "somebody".to_owned();
        Ok(vec![Event::PersonCame { name }])
    }

    fn evolve(mut state: State, event: &Event) -> State {
        match event {
            Event::ShopOpened { doors } => state.doors = *doors,
            Event::PersonCame { .. } => state.visitors += 1,
        }
        state
    }
}
