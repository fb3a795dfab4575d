//! The events that today's code knows: whether a stored one is of its aggregate and can be read.

use std::borrow::Cow;

use domain::decider::Decider;
use domain::hotels::hotel::Hotel;
use domain::hotels::inventory::RoomInventory;
use domain::hotels::reservation::Reservation;
use domain::identity::account::{self, Account};
use domain::identity::administrators::Administrators;
use domain::identity::email::EmailClaim;
use domain::identity::seller_request::SellerRequest;
use domain::identity::sessions::Sessions;
use domain::support::email::Email;
use domain::upcast::{self, ReadError, StoredEvent};
use event_store::RecordedEvent;
use event_store::personal;
use serde::Deserialize;

/// How stored events of an aggregate are read.
#[derive(Clone, Copy)]
pub(crate) struct Schema {
    pub(crate) aggregate_type: &'static str,
    read: fn(StoredEvent<'_>) -> Result<(), ReadError>,
}

/// Every aggregate.
const SCHEMAS: [Schema; 9] = [
    Schema::of::<Account>(),
    Schema::of::<Administrators>(),
    Schema::of::<EmailClaim>(),
    Schema::of::<SellerRequest>(),
    Schema::of::<Sessions>(),
    Schema::of::<Hotel>(),
    Schema::of::<RoomInventory>(),
    Schema::of::<Reservation>(),
    Schema::of::<Email>(),
];

/// Why a stored event is none that today's code knows.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unknown {
    #[error("the payload: {0}")]
    Personal(#[from] personal::Error),
    #[error("{0}")]
    Read(#[from] ReadError),
    #[error("the payload has no type: {0}")]
    Untyped(#[from] serde_json::Error),
    #[error("the payload is that of {0:?}")]
    Other(String),
}

/// What every payload begins with.
#[derive(Deserialize)]
struct Typed<'a> {
    #[serde(rename = "type", borrow)]
    event_type: Cow<'a, str>,
}

impl Schema {
    const fn of<D: Decider>() -> Self {
        Self {
            aggregate_type: D::TYPE,
            read: |stored| upcast::read_each::<D::Event>(stored, drop),
        }
    }

    /// That of an aggregate.
    pub(crate) fn named(aggregate_type: &str) -> Option<Self> {
        let mut all = SCHEMAS.into_iter();
        all.find(|one| one.aggregate_type == aggregate_type)
    }

    /// Makes sure that today's code reads `event`; what is sealed in it is not looked at.
    pub(crate) fn check<T: AsRef<str>>(&self, event: &RecordedEvent<T>) -> Result<(), Unknown> {
        let payload = personal::emptied(event.payload.as_ref())?;
        (self.read)(StoredEvent {
            event_type: event.event_type.as_ref(),
            event_version: event.event_version.as_ref(),
            payload: &payload,
        })?;
        let Typed { event_type } = serde_json::from_str(&payload)?;
        match event_type == event.event_type.as_ref() {
            true => Ok(()),
            false => Err(Unknown::Other(event_type.into_owned())),
        }
    }
}

/// Whether `event` says that its account was erased.
pub(crate) fn erases<T: AsRef<str>>(event: &RecordedEvent<T>) -> bool {
    // One with something sealed can't be read so, and erases nobody.
    let events = event.decode::<Account>().unwrap_or_default();
    let erased = |event: &account::Event| matches!(event, account::Event::AccountErased { .. });
    events.iter().any(erased)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    /// The tests of `domain` keep a file of stored events of each aggregate.
    #[test]
    fn every_aggregate_has_a_schema() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/tests/domain/stored");
        let files = std::fs::read_dir(folder).unwrap();
        let mut stored: Vec<String> = files
            .filter_map(|file| Some(file.ok()?.path().file_stem()?.to_str()?.to_owned()))
            .collect();
        let mut known: Vec<&str> = SCHEMAS.iter().map(|one| one.aggregate_type).collect();
        stored.sort();
        known.sort_unstable();
        assert_eq!(stored, known);
    }
}
