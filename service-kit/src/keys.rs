//! Keys of the platform, from its configuration.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A key that names and digests: e-mail claims, requests. Never shown.
#[derive(Clone)]
pub struct MasterKey(Hmac<Sha256>);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey")
    }
}

/// A key that is too short.
#[derive(Debug, thiserror::Error)]
#[error("a master key has {} bytes at least", MasterKey::MIN)]
pub struct ShortKey;

impl MasterKey {
    /// The fewest bytes of a key.
    pub const MIN: usize = 32;

    /// A key of these bytes.
    ///
    /// # Errors
    /// When they are too few.
    pub fn new(bytes: &[u8]) -> Result<Self, ShortKey> {
        if bytes.len() < Self::MIN {
            return Err(ShortKey);
        }
        let keyed = Hmac::new_from_slice(bytes).map_err(|_| ShortKey)?;
        Ok(Self(keyed))
    }

    /// HMAC-SHA-256 of `parts` under this key, for one `purpose`. Every part comes with its
    /// length, so that no two lists of parts share a digest.
    pub fn digest(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        self.mac(purpose, parts).finalize().into_bytes().into()
    }

    /// Whether `given` is that digest, in a time that tells nothing of where the two differ.
    pub(crate) fn is_digest(&self, purpose: &str, parts: &[&[u8]], given: &[u8]) -> bool {
        self.mac(purpose, parts).verify_slice(given).is_ok()
    }

    fn mac(&self, purpose: &str, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in std::iter::once(&purpose.as_bytes()).chain(parts) {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac
    }
}
