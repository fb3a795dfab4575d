//! Ed25519 keys of notes and their texts.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// The signature type byte of Ed25519.
const ED25519: u8 = 1;

const PRIVATE: &str = "PRIVATE+KEY+";

/// The public key of a log: `<name>+<key hash in hex>+<base64(0x01 ‖ public key)>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    hash: [u8; 4],
    key: VerifyingKey,
}

/// The private key of a log: `PRIVATE+KEY+<name>+<key hash in hex>+<base64(0x01 ‖ seed)>`. It does
/// not print itself.
#[derive(Clone)]
pub struct SignerKey {
    verifier: VerifierKey,
    key: SigningKey,
}

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not three parts, or not the bytes that they should have.
    #[error("a verifier key reads <name>+<hash in 8 hex digits>+<base64 of 0x01 and 32 bytes>")]
    Form,
    /// The same of a signer key.
    #[error(
        "a signer key reads PRIVATE+KEY+<name>+<hash in 8 hex digits>+<base64 of 0x01 and 32 bytes>"
    )]
    SignerForm,
    /// No name of a key.
    #[error("a key name is not empty and has neither spaces, control characters nor a plus")]
    Name,
    /// Another kind of key.
    #[error("the key is of type {0}, not 1 (Ed25519)")]
    Type(u8),
    /// Bytes that are no key.
    #[error("the key is no Ed25519 public key")]
    NoKey,
    /// Its hash is of another name or key.
    #[error("the key hash does not belong to this name and key")]
    Hash,
}

impl VerifierKey {
    /// Strict: the hash must be that of name and key.
    pub fn parse(text: &str) -> Result<VerifierKey, KeyError> {
        let (name, hash, bytes) = parts(text, KeyError::Form)?;
        let key = VerifyingKey::from_bytes(&bytes).map_err(|_| KeyError::NoKey)?;
        if key.is_weak() {
            return Err(KeyError::NoKey);
        }
        let verifier = VerifierKey::new(name, key)?;
        if verifier.hex_hash() != hash {
            return Err(KeyError::Hash);
        }
        Ok(verifier)
    }

    fn new(name: &str, key: VerifyingKey) -> Result<VerifierKey, KeyError> {
        if !is_key_name(name) {
            return Err(KeyError::Name);
        }
        let digest = Sha256::new()
            .chain_update(name)
            .chain_update([b'\n', ED25519])
            .chain_update(key.as_bytes())
            .finalize();
        let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
        Ok(VerifierKey {
            name: name.to_owned(),
            hash: [a, b, c, d],
            key,
        })
    }

    /// Whose key it is; for a log, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What signatures name it by, beside its name.
    pub fn hash(&self) -> [u8; 4] {
        self.hash
    }

    pub(crate) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok())
    }

    fn hex_hash(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.hash))
    }
}

impl SignerKey {
    /// From 32 random bytes, which the caller makes and keeps.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<SignerKey, KeyError> {
        let key = SigningKey::from_bytes(seed);
        let verifier = VerifierKey::new(name, key.verifying_key())?;
        Ok(SignerKey { verifier, key })
    }

    /// Strict, as [`VerifierKey::parse`].
    pub fn parse(text: &str) -> Result<SignerKey, KeyError> {
        let text = text.strip_prefix(PRIVATE).ok_or(KeyError::SignerForm)?;
        let (name, hash, seed) = parts(text, KeyError::SignerForm)?;
        let signer = SignerKey::from_seed(name, &seed)?;
        if signer.verifier.hex_hash() != hash {
            return Err(KeyError::Hash);
        }
        Ok(signer)
    }

    /// The private key as text: a secret.
    pub fn to_secret_text(&self) -> String {
        let verifier = &self.verifier;
        let bytes = STANDARD.encode(typed(self.key.as_bytes()));
        format!("{PRIVATE}{}+{}+{bytes}", verifier.name, verifier.hex_hash())
    }

    /// The public key to give away.
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(crate) fn sign(&self, text: &str) -> [u8; 64] {
        self.key.sign(text.as_bytes()).to_bytes()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = STANDARD.encode(typed(self.key.as_bytes()));
        write!(f, "{}+{}+{bytes}", self.name, self.hex_hash())
    }
}

impl fmt::Debug for SignerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignerKey({})", self.verifier)
    }
}

/// A name that has a place in a signature line.
pub(crate) fn is_key_name(name: &str) -> bool {
    let barred = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && !name.contains(barred)
}

/// Name, hash and key of `<name>+<hash>+<base64>`; base64 may have a plus, a name has none.
fn parts(text: &str, form: KeyError) -> Result<(&str, &str, [u8; 32]), KeyError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(form);
    };
    match STANDARD.decode(key).as_deref() {
        Ok([ED25519, key @ ..]) => match key.try_into() {
            Ok(key) => Ok((name, hash, key)),
            Err(_) => Err(form),
        },
        Ok(&[kind, ..]) => Err(KeyError::Type(kind)),
        _ => Err(form),
    }
}

fn typed(key: &[u8; 32]) -> Vec<u8> {
    [&[ED25519], key.as_slice()].concat()
}
