//! Opening: ciphertext → personal data in clear, or null once the key was destroyed.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::streams::StreamId;
use domain::upcast::StoredEvent;
use uuid::Uuid;

use super::walk::{Holds, mentions, persons, rewrite};
use super::{Error, Keyring, Keys, Place};
use crate::recorded::RecordedEvent;

/// The persons whose data are sealed in `payload`: those whose keys [`open_with`] needs.
///
/// # Errors
/// When `payload` is not JSON, or something in it is marked and not of its form.
pub fn persons_to_open(payload: &str) -> Result<Vec<Uuid>, Error> {
    persons(payload, |holds| matches!(holds, Holds::Sealed(_)))
}

/// `payload` as its aggregate reads it: `{"personal_of", "sealed"}` has become
/// `{"personal_of", "value"}`, whose value is null when the key was destroyed. What stands in
/// clear, as earlier versions have stored it, stays so.
///
/// # Errors
/// [`Error::Forged`] when a ciphertext was changed or moved, [`Error::NoKey`] when its person
/// never had a key; and as [`persons_to_open`].
pub fn open_with<'a>(
    keys: &Keys,
    place: &Place<'_>,
    payload: &'a str,
) -> Result<Cow<'a, str>, Error> {
    rewrite(payload, |marked, out| {
        let person = marked.person;
        let opened;
        let value = match &marked.holds {
            Holds::Nothing => "null",
            Holds::Value(value) => value,
            Holds::Sealed(text) => match keys.get(person)? {
                None => "null",
                Some(key) => {
                    let forged = || Error::Forged {
                        person,
                        place: place.told(marked.path),
                    };
                    let sealed = STANDARD.decode(text).map_err(|_| forged())?;
                    let bound_to = place.bound_to(person, marked.path);
                    opened = key.open(&bound_to, &sealed).ok_or_else(forged)?;
                    std::str::from_utf8(&opened).map_err(|_| forged())?
                }
            },
        };
        out.push_str(&format!(r#"{{"personal_of":"{person}","value":{value}}}"#));
        Ok(())
    })
}

/// `payload` as its aggregate would read it had every key been destroyed: what is sealed is null. It
/// shows whether the payload is of its form to who has no keys.
///
/// # Errors
/// As [`persons_to_open`].
pub fn emptied(payload: &str) -> Result<Cow<'_, str>, Error> {
    rewrite(payload, |marked, out| {
        let value = match &marked.holds {
            Holds::Nothing | Holds::Sealed(_) => "null",
            Holds::Value(value) => value,
        };
        let person = marked.person;
        out.push_str(&format!(r#"{{"personal_of":"{person}","value":{value}}}"#));
        Ok(())
    })
}

impl Keyring {
    /// Opens what is sealed in `events`, in place. Their leaf hashes, and what the relay sends, are
    /// of the events as they were.
    ///
    /// # Errors
    /// See [`Error`]; no event is changed then.
    pub async fn open_events<'e>(
        &self,
        events: impl IntoIterator<Item = &'e mut RecordedEvent>,
    ) -> Result<(), Error> {
        let events = events.into_iter();
        let marked: Vec<_> = events.filter(|event| mentions(&event.payload)).collect();
        if marked.is_empty() {
            return Ok(());
        }
        let keys = self
            .keys_to_open(marked.iter().map(|event| event.payload.as_str()))
            .await?;
        let mut opened = Vec::with_capacity(marked.len());
        for event in &marked {
            opened.push(open_with(&keys, &Place::of(event), &event.payload)?.into_owned());
        }
        for (event, payload) in marked.into_iter().zip(opened) {
            event.payload = payload;
        }
        Ok(())
    }

    /// The payloads of `stored` in clear, or none when nothing in them is personal.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn open_stored(
        &self,
        stream: StreamId,
        stored: &[StoredEvent<'_>],
    ) -> Result<Option<Vec<String>>, Error> {
        if !stored.iter().any(|one| mentions(one.payload)) {
            return Ok(None);
        }
        let keys = self.keys_to_open(stored.iter().map(|one| one.payload));
        let keys = keys.await?;
        let open = |one: &StoredEvent<'_>| {
            let place = Place::in_stream(stream, one.event_type);
            open_with(&keys, &place, one.payload).map(Cow::into_owned)
        };
        stored.iter().map(open).collect::<Result<_, _>>().map(Some)
    }

    async fn keys_to_open(&self, payloads: impl Iterator<Item = &str>) -> Result<Keys, Error> {
        let mut persons = Vec::new();
        for payload in payloads {
            persons.extend(persons_to_open(payload)?);
        }
        self.for_opening(&persons).await
    }
}
