//! What checkpoints are signed with.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::error::Unspecified;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proofs::{KeyError, SignerKey, VerifierKey};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::sign::origin;

/// The name of a log and the keys of its checkpoints: `name:base64-of-32-bytes`, separated by
/// commas, the current one first. Those after it have signed earlier and sign no more.
#[derive(Clone)]
pub struct CheckpointKeys {
    name: String,
    seeds: Vec<Zeroizing<[u8; 32]>>,
}

/// Keys that can't be read. Says nothing of what was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A part has no colon, or no 32 bytes after it.
    #[error("checkpoint keys are name:base64-of-32-bytes, separated by commas")]
    Form,
    /// Keys of one log have its name.
    #[error("all checkpoint keys have one name, that of the log")]
    Names,
    /// The name is none of a key.
    #[error(transparent)]
    Name(#[from] KeyError),
}

impl fmt::Debug for CheckpointKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckpointKeys({}, {})", self.name, self.seeds.len())
    }
}

impl FromStr for CheckpointKeys {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let (mut name, mut seeds) = (None, Vec::new());
        for part in text.split(',') {
            let (of, seed) = part.trim().split_once(':').ok_or(ParseError::Form)?;
            if *name.get_or_insert(of) != of {
                return Err(ParseError::Names);
            }
            let seed = Zeroizing::new(STANDARD.decode(seed).map_err(|_| ParseError::Form)?);
            let seed = <[u8; 32]>::try_from(seed.as_slice()).map_err(|_| ParseError::Form)?;
            SignerKey::from_seed(of, &seed)?;
            seeds.push(Zeroizing::new(seed));
        }
        let name = name.ok_or(ParseError::Form)?.to_owned();
        Ok(Self { name, seeds })
    }
}

impl CheckpointKeys {
    /// A new key of the log `name`, in the form that is read.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn make(name: &str) -> Result<String, Unspecified> {
        let mut seed = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(seed.as_mut_slice())?;
        Ok(format!("{name}:{}", STANDARD.encode(seed.as_slice())))
    }

    /// The name of the log, before its epoch.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What signs checkpoints of the log of this epoch.
    ///
    /// # Errors
    /// None for a name that was read.
    pub fn signer(&self, epoch: Uuid) -> Result<SignerKey, KeyError> {
        let seed = self.seeds.first().ok_or(KeyError::SignerForm)?;
        SignerKey::from_seed(&origin(&self.name, epoch), seed)
    }

    /// The public keys of checkpoints of `origin`, the current one first.
    ///
    /// # Errors
    /// When an origin is no name of a key.
    pub fn verifiers(&self, origin: &str) -> Result<Vec<VerifierKey>, KeyError> {
        let seeds = self.seeds.iter();
        let keys = seeds.map(|seed| SignerKey::from_seed(origin, seed));
        keys.map(|key| Ok(key?.verifier_key().clone())).collect()
    }
}
