//! Old events: what was stored by an earlier version of the code, as events of today.
//!
//! An upcaster turns one stored event of one version into one, several or no stored events of
//! later versions, and what it gives is upcast on until it is current. An event that is current
//! is read at once, without going through a [`Value`].

use serde_json::Value;

use crate::decider::Event;

/// The member by which `Personal<T>` is known in JSON.
const MARK: &str = "personal_of";

/// An event as the log holds it.
#[derive(Debug, Clone, Copy)]
pub struct StoredEvent<'a> {
    /// Its name when it was stored.
    pub event_type: &'a str,
    /// The schema version of its payload: 1, 2, 3, …
    pub event_version: &'a str,
    /// Its payload, as JSON.
    pub payload: &'a str,
}

/// What becomes of one version of one stored event. See [`Event::upcasters`].
#[derive(Debug, Clone, Copy)]
pub struct Upcaster {
    /// The name of the event.
    pub event_type: &'static str,
    /// The version that it takes; the next one is the event's version then.
    pub from_version: u16,
    /// What its payload becomes, oldest first. Pure; the payload may lack personal data that was
    /// erased (`"value": null`).
    pub to: fn(Value) -> Vec<Stored>,
}

/// An event as it would have been stored by a later version of the code.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its name; the member `type` of the payload follows it.
    pub event_type: &'static str,
    /// Its version: that of today, or one that a later upcaster takes.
    pub version: u16,
    /// Its payload.
    pub payload: Value,
}

/// A stored event that this version of the code can't read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It was stored by a newer version of the code.
    #[error(
        "{event_type} is stored in version {version} and this program knows it up to version {known}: a newer one has written it"
    )]
    Newer {
        /// The name of the event.
        event_type: String,
        /// Its version.
        version: u16,
        /// The newest version that the code knows.
        known: u16,
    },
    /// No upcaster takes it.
    #[error("{event_type} is stored in version {version}, which no upcaster takes")]
    NoUpcaster {
        /// The name of the event.
        event_type: String,
        /// Its version.
        version: u16,
    },
    /// Its version is no number.
    #[error("{event_type} is stored in version {version:?}, which is no version")]
    NoVersion {
        /// The name of the event.
        event_type: String,
        /// What stands in its place.
        version: String,
    },
    /// Upcasters give it to each other for ever.
    #[error("the upcasters of {event_type} go round in circles")]
    Endless {
        /// The name of the event.
        event_type: String,
    },
    /// Its payload is none of the aggregate's events: another type, or another shape.
    #[error("{event_type} in version {version} can't be read: {source}")]
    Payload {
        /// The name of the event.
        event_type: String,
        /// Its version.
        version: u16,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// The version of `event_type` today: one more than the last version that an upcaster takes.
pub fn current_version(upcasters: &[Upcaster], event_type: &str) -> u16 {
    let of_type = upcasters.iter().filter(|one| one.event_type == event_type);
    of_type.map(|one| one.from_version).max().unwrap_or(0) + 1
}

/// The events of today that `stored` stands for, oldest first.
///
/// # Errors
/// See [`ReadError`]; what can't be read is never skipped.
pub fn read<E: Event>(stored: StoredEvent<'_>) -> Result<Vec<E>, ReadError> {
    let mut events = Vec::with_capacity(1);
    read_each(stored, |event| events.push(event))?;
    Ok(events)
}

/// Gives `each` the events of today that `stored` stands for, oldest first.
///
/// # Errors
/// As [`read`]; some events may have been given by then.
pub fn read_each<E: Event>(
    stored: StoredEvent<'_>,
    mut each: impl FnMut(E),
) -> Result<(), ReadError> {
    let StoredEvent {
        event_type,
        event_version,
        payload,
    } = stored;
    let version = event_version.parse().map_err(|_| ReadError::NoVersion {
        event_type: event_type.to_owned(),
        version: event_version.to_owned(),
    })?;
    let unreadable = |source| ReadError::Payload {
        event_type: event_type.to_owned(),
        version,
        source: match payload.contains(MARK) {
            true => unsaid(source),
            false => source,
        },
    };
    match upcaster::<E>(event_type, version)? {
        None => each(serde_json::from_str(payload).map_err(unreadable)?),
        Some(upcaster) => {
            let payload = serde_json::from_str(payload).map_err(unreadable)?;
            for next in (upcaster.to)(payload) {
                read_on(next, 1, &mut each)?;
            }
        }
    }
    Ok(())
}

/// Reads what upcasters have made in `steps` steps.
fn read_on<E: Event>(
    stored: Stored,
    steps: usize,
    each: &mut impl FnMut(E),
) -> Result<(), ReadError> {
    let Stored {
        event_type,
        version,
        mut payload,
    } = stored;
    let Some(upcaster) = upcaster::<E>(event_type, version)? else {
        if let Value::Object(members) = &mut payload {
            members.insert("type".to_owned(), event_type.into());
        }
        let event = serde_json::from_value(payload).map_err(|source| ReadError::Payload {
            event_type: event_type.to_owned(),
            version,
            source: unsaid(source),
        })?;
        each(event);
        return Ok(());
    };
    // A way that is longer than the table passes some upcaster twice.
    if steps >= E::upcasters().len() {
        let event_type = event_type.to_owned();
        return Err(ReadError::Endless { event_type });
    }
    for next in (upcaster.to)(payload) {
        read_on(next, steps + 1, each)?;
    }
    Ok(())
}

/// The error without what it quotes, which may be about a person and would go to a log.
fn unsaid(_quoting: serde_json::Error) -> serde_json::Error {
    serde::de::Error::custom("it is not of its form")
}

/// What takes this version of an event; none when it is current.
fn upcaster<E: Event>(
    event_type: &str,
    version: u16,
) -> Result<Option<&'static Upcaster>, ReadError> {
    let known = current_version(E::upcasters(), event_type);
    if version == known {
        return Ok(None);
    }
    let event_type = event_type.to_owned();
    if version > known {
        return Err(ReadError::Newer {
            event_type,
            version,
            known,
        });
    }
    let mut table = E::upcasters().iter();
    match table.find(|one| one.event_type == event_type && one.from_version == version) {
        Some(upcaster) => Ok(Some(upcaster)),
        None => Err(ReadError::NoUpcaster {
            event_type,
            version,
        }),
    }
}
