//! Opening what is personal, once for all projections.

use event_store::RecordedEvent;
use event_store::personal::{Error, Keyring};

use super::delivered::{Delivered, told};

/// Opens what is sealed in `events`. One that can't be opened is marked so, and the others are
/// opened.
///
/// # Errors
/// When no event is at fault: the database of the keys is away, or this process lacks master keys.
pub(crate) async fn open(keyring: &Keyring, events: &mut [Delivered]) -> Result<(), Error> {
    let all = events.iter_mut().map(|delivered| &mut delivered.event);
    match keyring.open_events(all).await {
        Err(error) if error.is_of_an_event() => {}
        done => return done,
    }
    for delivered in events {
        delivered.closed = open_one(keyring, &mut delivered.event).await?;
    }
    Ok(())
}

/// Opens `event`; gives why it can't be opened.
pub(super) async fn open_one(
    keyring: &Keyring,
    event: &mut RecordedEvent,
) -> Result<Option<String>, Error> {
    match keyring.open_events([&mut *event]).await {
        Ok(()) => Ok(None),
        // What it says names a person and a place, and quotes nothing that is sealed.
        Err(error @ (Error::Malformed(_) | Error::NotJson(_))) => {
            Ok(Some(told(event, "its personal data can't be read", &error)))
        }
        Err(error) if error.is_of_an_event() => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}
