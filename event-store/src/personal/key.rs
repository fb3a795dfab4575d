//! One key, and sets of persons' keys.
//!
//! AES-256-GCM-SIV (RFC 8452) by aws-lc: authenticated, and a nonce that came twice would give no
//! more away than that two values are equal. Sealed bytes are a version, the nonce, the
//! ciphertext and its tag.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::Error;

/// The bytes of a key.
pub(super) type Bytes = Zeroizing<[u8; 32]>;

/// The first byte of what is sealed, for the day when it is sealed in another way.
const VERSION: u8 = 1;

/// A key that seals and opens. Never shown.
pub(super) struct Key(RandomizedNonceKey);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    pub(super) fn new(bytes: &[u8; 32]) -> Result<Self, Error> {
        RandomizedNonceKey::new(&AES_256_GCM_SIV, bytes)
            .map(Self)
            .map_err(|_| Error::Cryptography)
    }

    /// Seals `plain` for whoever knows the key and `bound_to`.
    pub(super) fn seal(&self, bound_to: &[u8], plain: &[u8]) -> Result<Vec<u8>, Error> {
        let mut text = plain.to_vec();
        let nonce = self
            .0
            .seal_in_place_append_tag(Aad::from(bound_to), &mut text)
            .map_err(|_| Error::Cryptography)?;
        Ok([&[VERSION], nonce.as_ref().as_slice(), &text].concat())
    }

    /// What was sealed; none when it was not sealed by this key, or not for `bound_to`.
    pub(super) fn open(&self, bound_to: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (&VERSION, rest) = sealed.split_first()? else {
            return None;
        };
        let (nonce, text) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut text = Zeroizing::new(text.to_vec());
        let length = self
            .0
            .open_in_place(nonce, Aad::from(bound_to), &mut text)
            .ok()?
            .len();
        text.truncate(length);
        Some(text)
    }
}

/// A new key.
pub(super) fn random() -> Result<Bytes, Error> {
    let mut bytes = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(bytes.as_mut_slice()).map_err(|_| Error::Cryptography)?;
    Ok(bytes)
}

/// `parts` as one text, each with its length in front, so that no two lists of parts give the same.
pub(super) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut all = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        all.extend((part.len() as u64).to_be_bytes());
        all.extend(*part);
    }
    all
}

/// Keys of persons as they were fetched; a person whose key was destroyed is among them without
/// one.
#[derive(Debug, Clone, Default)]
pub struct Keys(HashMap<Uuid, Option<Arc<Key>>>);

impl Keys {
    pub(super) fn insert(&mut self, person: Uuid, key: Option<Arc<Key>>) {
        self.0.insert(person, key);
    }

    /// The key of `person`, or none when it was destroyed.
    pub(super) fn get(&self, person: Uuid) -> Result<Option<&Key>, Error> {
        let key = self.0.get(&person).ok_or(Error::NoKey(person))?;
        Ok(key.as_deref())
    }

    pub(crate) fn contains(&self, person: Uuid) -> bool {
        self.0.contains_key(&person)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn what_is_sealed_opens_with_its_key_and_where_it_was_sealed() {
        let key = Key::new(&random().unwrap()).unwrap();
        let sealed = key.seal(b"here", b"a name").unwrap();
        assert_eq!(key.open(b"here", &sealed).unwrap().as_slice(), b"a name");
        assert!(key.open(b"there", &sealed).is_none());
        let other = Key::new(&random().unwrap()).unwrap();
        assert!(other.open(b"here", &sealed).is_none());
        assert_ne!(
            key.seal(b"here", b"a name").unwrap(),
            sealed,
            "a nonce came twice"
        );
    }

    #[test]
    fn a_changed_byte_or_a_cut_is_noticed_wherever_it_is() {
        let key = Key::new(&random().unwrap()).unwrap();
        let sealed = key.seal(b"here", b"a name").unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(key.open(b"here", &changed).is_none(), "byte {place}");
            assert!(
                key.open(b"here", &sealed[..place]).is_none(),
                "cut at {place}"
            );
        }
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(joined(&[b"ab", b"c"]), joined(&[b"a", b"bc"]));
    }

    #[test]
    fn a_key_is_not_shown() {
        let key = Key::new(&[7; 32]).unwrap();
        assert_eq!(format!("{key:?}"), "Key");
    }
}
