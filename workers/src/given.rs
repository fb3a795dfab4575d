//! How policies and effects are tested: given these events, then those reactions.

use chrono::{DateTime, Utc};
use domain::decider::{Decider, Event};
use domain::streams::stored_json;
use event_store::{Happened, RecordedEvent};
use uuid::Uuid;

use crate::runtime::{Effect, Policy, Reaction};

/// The stream to which it happened, unless told otherwise.
pub const STREAM: Uuid = Uuid::from_u128(0x0192_f000_0000_7000_8000_0000_0000_0001);

/// What happened.
pub struct Given<D: Decider> {
    events: Vec<D::Event>,
    stream: Uuid,
    at: DateTime<Utc>,
}

/// What followed.
#[derive(Debug)]
pub struct Then<C>(pub Vec<Reaction<C>>);

/// Given that `events` happened to [`STREAM`], at the beginning of 1970.
pub fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D> {
    Given {
        events: events.into_iter().collect(),
        stream: STREAM,
        at: DateTime::UNIX_EPOCH,
    }
}

/// The id of the event of this index, from 0, of those that were given.
pub fn event_id(index: usize) -> Uuid {
    Uuid::from_u128(0x0192_f000_0000_7000_8000_0000_0001_0000 | index as u128)
}

impl<D: Decider> Given<D> {
    /// They happened to another stream.
    pub fn to(self, stream: Uuid) -> Self {
        Self { stream, ..self }
    }

    /// They happened at another time.
    pub fn at(self, at: DateTime<Utc>) -> Self {
        Self { at, ..self }
    }

    /// What the policy `P` makes of it.
    pub fn policy<P: Policy<Of = D>>(&self) -> Then<P::Command> {
        self.react(P::react)
    }

    /// What the effect `E` makes of it.
    pub fn effect<E: Effect<Of = D>>(&self) -> Then<E::Act> {
        self.react(E::react)
    }

    fn react<C>(&self, react: impl Fn(&Happened<'_, D>) -> Vec<Reaction<C>>) -> Then<C> {
        let all = self.events.iter().enumerate().flat_map(|(index, event)| {
            let recorded = self.recorded(index, event);
            react(&Happened {
                event: event.clone(),
                recorded: &recorded,
            })
        });
        Then(all.collect())
    }

    fn recorded(&self, index: usize, event: &D::Event) -> RecordedEvent {
        let place = 1 + index as i64;
        RecordedEvent {
            position: place,
            event_id: event_id(index),
            aggregate_type: D::TYPE.to_owned(),
            aggregate_id: self.stream,
            sequence: place,
            event_type: event.name().to_owned(),
            event_version: event.version().to_string(),
            payload: stored_json(event),
            metadata: "{}".to_owned(),
            recorded_at: self.at,
            occurred_at: self.at,
            partition: 0,
        }
    }
}

impl<C: PartialEq + std::fmt::Debug> Then<C> {
    /// These reactions, and no others.
    ///
    /// # Panics
    /// When there are others.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = Reaction<C>>) {
        assert_eq!(self.0, Vec::from_iter(expected));
    }
}
