//! The events that today's code knows: whether a stored one is of its aggregate and can be read.

use std::borrow::Cow;

use domain::identity::account::{self, Account};
use domain::streams::StreamKind;
use domain::upcast::{ReadError, StoredEvent};
use event_store::RecordedEvent;
use event_store::personal;
use serde::Deserialize;

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

/// Makes sure that today's code reads `event` as one of `kind`; what is sealed in it is not looked at.
pub(crate) fn check<T: AsRef<str>>(
    kind: &StreamKind,
    event: &RecordedEvent<T>,
) -> Result<(), Unknown> {
    let payload = personal::emptied(event.payload.as_ref())?;
    (kind.check)(StoredEvent {
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

/// Whether `event` says that its account was erased.
pub(crate) fn erases<T: AsRef<str>>(event: &RecordedEvent<T>) -> bool {
    // One with something sealed can't be read so, and erases nobody.
    let events = event.decode::<Account>().unwrap_or_default();
    let erased = |event: &account::Event| matches!(event, account::Event::AccountErased { .. });
    events.iter().any(erased)
}
