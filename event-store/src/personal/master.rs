//! The master keys of the configuration: the first wraps persons' keys, all of them unwrap.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Error;
use super::key::{Bytes, Key, joined, random};

const LONGEST_ID: usize = 64;

/// Master keys by their ids: `id:base64-of-32-bytes`, separated by commas, the current one first.
pub struct MasterKeys(Vec<(String, Key)>);

/// Master keys that can't be read. Says nothing of what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A part has no colon, or no id before it.
    #[error(
        "master keys are id:base64-of-32-bytes, separated by commas; an id has 1 to 64 letters, digits, dots, dashes or underscores"
    )]
    Form,
    /// A key is no base64 of 32 bytes.
    #[error("a master key is 32 bytes in base64")]
    Length,
    /// An id comes twice.
    #[error("two master keys have one id")]
    Twice,
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(id, _)| id))
            .finish()
    }
}

impl FromStr for MasterKeys {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut keys: Vec<(String, Key)> = Vec::new();
        for part in text.split(',') {
            let (id, key) = part.trim().split_once(':').ok_or(ParseError::Form)?;
            if keys.iter().any(|(other, _)| other == id) {
                return Err(ParseError::Twice);
            }
            keys.push((self::id(id)?, self::key(key)?));
        }
        Ok(Self(keys))
    }
}

fn id(text: &str) -> Result<String, ParseError> {
    let fits = |c: u8| c.is_ascii_alphanumeric() || b"._-".contains(&c);
    match (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(fits) {
        true => Ok(text.to_owned()),
        false => Err(ParseError::Form),
    }
}

fn key(text: &str) -> Result<Key, ParseError> {
    let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| ParseError::Length)?);
    let bytes: &[u8; 32] = bytes
        .as_slice()
        .try_into()
        .map_err(|_| ParseError::Length)?;
    Key::new(bytes).map_err(|_| ParseError::Length)
}

impl MasterKeys {
    /// A new master key in the form that is read, under `id`.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn make(id: &str) -> Result<String, Error> {
        Ok(format!("{id}:{}", STANDARD.encode(random()?.as_slice())))
    }

    /// The id of the key that wraps.
    pub fn current(&self) -> &str {
        self.0.first().map_or("", |(id, _)| id)
    }

    /// Every id, the current one first.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(id, _)| id.as_str())
    }

    /// A person's key as it is stored, wrapped by the current master key.
    pub(super) fn wrap(&self, person: Uuid, bytes: &Bytes) -> Result<Vec<u8>, Error> {
        let (id, key) = self.0.first().ok_or(Error::NoKeyring)?;
        key.seal(&bound_to(person, id), bytes.as_slice())
    }

    /// A person's key from how it is stored.
    pub(super) fn unwrap(&self, person: Uuid, id: &str, wrapped: &[u8]) -> Result<Bytes, Error> {
        let mut keys = self.0.iter();
        let (_, key) = keys
            .find(|(one, _)| one == id)
            .ok_or_else(|| Error::NoMaster(id.to_owned()))?;
        let opened = key.open(&bound_to(person, id), wrapped);
        let bytes = opened.and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        bytes.map(Zeroizing::new).ok_or_else(|| Error::Wrapped {
            person,
            master: id.to_owned(),
        })
    }
}

/// A wrapped key is good for its person under its master key only.
fn bound_to(person: Uuid, id: &str) -> Vec<u8> {
    joined(&[b"comptoir person key", person.as_bytes(), id.as_bytes()])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn of(id: &str, byte: u8) -> String {
        format!("{id}:{}", STANDARD.encode([byte; 32]))
    }

    fn keys(parts: &[String]) -> MasterKeys {
        parts.join(",").parse().unwrap()
    }

    #[test]
    fn the_first_wraps_and_all_unwrap() {
        let (person, bytes) = (Uuid::from_u128(1), random().unwrap());
        let old = keys(&[of("k1", 1)]);
        let wrapped = old.wrap(person, &bytes).unwrap();
        let both = keys(&[of("k2", 2), of("k1", 1)]);
        assert_eq!(both.current(), "k2");
        assert_eq!(both.unwrap(person, "k1", &wrapped).unwrap(), bytes);
    }

    #[test]
    fn a_wrapped_key_is_its_persons_under_its_own_master_key() {
        let (person, bytes) = (Uuid::from_u128(1), random().unwrap());
        let both = keys(&[of("k2", 2), of("k1", 1)]);
        let wrapped = both.wrap(person, &bytes).unwrap();
        let refused = |person, id| both.unwrap(person, id, &wrapped).unwrap_err();
        assert!(matches!(refused(person, "k1"), Error::Wrapped { .. }));
        assert!(matches!(refused(Uuid::nil(), "k2"), Error::Wrapped { .. }));
        let missing = refused(person, "k3").to_string();
        assert!(missing.contains("\"k3\", which COMPTOIR_PERSONAL_KEYS does not have"));
    }

    #[test]
    fn what_is_no_list_of_keys_is_refused_and_not_repeated() {
        use ParseError::{Form, Length, Twice};
        let short = format!("k1:{}", STANDARD.encode([1; 31]));
        let cases = [
            ("", Form),
            ("secret", Form),
            (":", Form),
            ("k 1:x", Form),
            ("k1:secret", Length),
            (&short, Length),
            (&format!("{},{}", of("k1", 1), of("k1", 2)), Twice),
            (&format!("{},", of("k1", 1)), Form),
        ];
        for (text, expected) in cases {
            let error = text.parse::<MasterKeys>().unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("secret"));
        }
    }

    #[test]
    fn keys_are_not_shown() {
        assert_eq!(format!("{:?}", keys(&[of("k1", 1)])), "[\"k1\"]");
    }
}
