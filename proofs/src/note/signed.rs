//! Notes: a text, an empty line, signature lines. <https://c2sp.org/signed-note>

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::note::key::{SignerKey, VerifierKey, is_key_name};

/// More signatures than this are refused; the specification asks for 16 at least.
pub const MAX_SIGNATURES: usize = 100;

/// Longer notes are refused, in bytes.
pub const MAX_SIZE: usize = 1_000_000;

/// A note of the right form, of which nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    text: String,
    signatures: Vec<Signature>,
}

/// A signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Of the key.
    pub name: String,
    /// Of the key.
    pub key_hash: [u8; 4],
    /// Over the text, its last newline included.
    pub bytes: Vec<u8>,
}

/// What is wrong with a note.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Beyond [`MAX_SIZE`].
    #[error("the note has {0} bytes, more than the {MAX_SIZE} that are allowed")]
    TooLong(usize),
    /// Below U+0020 and no newline.
    #[error("the note has the control character U+{0:04X}")]
    ControlCharacter(u32),
    /// Text and signatures are not told apart.
    #[error("the note has no empty line between a text and its signatures")]
    NoEmptyLine,
    /// The last line is cut off, or there is none.
    #[error("the note does not end with a signature line and its newline")]
    NoEnd,
    /// Beyond [`MAX_SIGNATURES`].
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// Not `— <name> <base64>`.
    #[error(
        "signature line {0} does not read: em dash, space, key name, space, base64 of key hash and signature"
    )]
    SignatureLine(usize),
    /// A text that can't be signed.
    #[error(
        "a text to sign is one or more lines, each ended by a newline, without control characters"
    )]
    Text,
    /// The key has not signed.
    #[error("the note has no signature of the key {0}")]
    NotSigned(String),
    /// The key has not signed this text.
    #[error("the signature of the key {0} is not over this text")]
    WrongSignature(String),
}

impl SignedNote {
    /// Signs a text, which ends with a newline.
    pub fn sign(text: &str, key: &SignerKey) -> Result<SignedNote, NoteError> {
        if text.is_empty() || !text.ends_with('\n') || control_character(text).is_some() {
            return Err(NoteError::Text);
        }
        let verifier = key.verifier_key();
        let signature = Signature {
            name: verifier.name().to_owned(),
            key_hash: verifier.hash(),
            bytes: key.sign(text).to_vec(),
        };
        let note = SignedNote {
            text: text.to_owned(),
            signatures: vec![signature],
        };
        match note.to_string().len() {
            size if size > MAX_SIZE => Err(NoteError::TooLong(size)),
            _ => Ok(note),
        }
    }

    /// The text, whoever signed it: for those who have reason to trust the note itself.
    pub fn unverified_text(&self) -> &str {
        &self.text
    }

    /// Strict: what another parser might read otherwise is refused.
    pub fn parse(note: &str) -> Result<SignedNote, NoteError> {
        if note.len() > MAX_SIZE {
            return Err(NoteError::TooLong(note.len()));
        }
        if let Some(c) = control_character(note) {
            return Err(NoteError::ControlCharacter(c.into()));
        }
        // The text may have empty lines; the last one ends it.
        let end = note.rfind("\n\n").ok_or(NoteError::NoEmptyLine)? + 1;
        let (text, lines) = (&note[..end], &note[end + 1..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoEnd)?;
        if lines.split('\n').nth(MAX_SIGNATURES).is_some() {
            return Err(NoteError::TooManySignatures);
        }
        let signatures = lines
            .split('\n')
            .enumerate()
            .map(|(at, line)| signature(line).ok_or(NoteError::SignatureLine(at + 1)))
            .collect::<Result<_, _>>()?;
        Ok(SignedNote {
            text: text.to_owned(),
            signatures,
        })
    }

    /// The text, if this key has signed it. Signatures of other keys don't count, neither way; one
    /// of this key that is wrong spoils the note.
    pub fn verify(&self, key: &VerifierKey) -> Result<&str, NoteError> {
        let mut own = self
            .signatures
            .iter()
            .filter(|signature| signature.name == key.name() && signature.key_hash == key.hash())
            .peekable();
        if own.peek().is_none() {
            return Err(NoteError::NotSigned(key.to_string()));
        }
        if !own.all(|signature| key.verifies(&self.text, &signature.bytes)) {
            return Err(NoteError::WrongSignature(key.to_string()));
        }
        Ok(&self.text)
    }

    /// Every signature, of whatever key.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }
}

impl fmt::Display for SignedNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for signature in &self.signatures {
            let bytes = [&signature.key_hash, signature.bytes.as_slice()].concat();
            writeln!(f, "— {} {}", signature.name, STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

fn signature(line: &str) -> Option<Signature> {
    let (name, base64) = line.strip_prefix("— ")?.split_once(' ')?;
    let bytes = STANDARD.decode(base64).ok()?;
    let (&key_hash, bytes) = bytes.split_first_chunk::<4>()?;
    (is_key_name(name) && !bytes.is_empty()).then(|| Signature {
        name: name.to_owned(),
        key_hash,
        bytes: bytes.to_vec(),
    })
}

fn control_character(text: &str) -> Option<char> {
    text.chars().find(|&c| c < ' ' && c != '\n')
}
