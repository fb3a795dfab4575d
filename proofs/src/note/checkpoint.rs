//! What a log says about its tree: origin, size, root. <https://c2sp.org/tlog-checkpoint>

use crate::hash::Hash;
use crate::note::key::{SignerKey, VerifierKey};
use crate::note::signed::{NoteError, SignedNote};

/// The tree of a log at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Hash,
    extensions: Vec<String>,
}

/// What is wrong with a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The note around it, or its signature.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// Fewer than three lines.
    #[error("a checkpoint has three lines at least: origin, tree size, root")]
    Lines,
    /// The log has no name.
    #[error("the origin is empty, has a control character, or goes over several lines")]
    Origin,
    /// Not as a decimal number is written.
    #[error("the tree size is no decimal number below 2^64 without leading zeros")]
    Size,
    /// No hash.
    #[error("the root is not 32 bytes in standard base64")]
    Root,
    /// No leaves, and yet not the root of no leaves.
    #[error("the tree size is 0, but the root is not that of the empty tree")]
    EmptyRoot,
    /// An empty line, or one that is none.
    #[error("an extension line is empty, has a control character, or goes over several lines")]
    Extension,
    /// Another log's.
    #[error("the checkpoint is of the log {origin}, but the key is of {key}")]
    OtherLog {
        /// Of the checkpoint.
        origin: String,
        /// Name of the key.
        key: String,
    },
}

impl Checkpoint {
    /// Of the log that is called `origin`, without extension lines.
    pub fn new(origin: &str, size: u64, root: Hash) -> Result<Checkpoint, CheckpointError> {
        if !is_line(origin) {
            return Err(CheckpointError::Origin);
        }
        if size == 0 && root != Hash::empty_root() {
            return Err(CheckpointError::EmptyRoot);
        }
        Ok(Checkpoint {
            origin: origin.to_owned(),
            size,
            root,
            extensions: Vec::new(),
        })
    }

    /// With one more line, which is signed but which nobody can audit.
    pub fn with_extension(mut self, line: &str) -> Result<Checkpoint, CheckpointError> {
        if !is_line(line) {
            return Err(CheckpointError::Extension);
        }
        self.extensions.push(line.to_owned());
        Ok(self)
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        let mut text = format!("{}\n{}\n{}\n", self.origin, self.size, self.root);
        for line in &self.extensions {
            text.push_str(line);
            text.push('\n');
        }
        text
    }

    /// Reads the text that is signed, strictly.
    pub fn parse(text: &str) -> Result<Checkpoint, CheckpointError> {
        let text = text.strip_suffix('\n').ok_or(CheckpointError::Lines)?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(CheckpointError::Lines);
        };
        let size = parse_size(size).ok_or(CheckpointError::Size)?;
        let root = Hash::parse(root).ok_or(CheckpointError::Root)?;
        let checkpoint = Checkpoint::new(origin, size, root)?;
        lines.try_fold(checkpoint, Checkpoint::with_extension)
    }

    /// The signed note. Key and checkpoint must be of one log.
    pub fn sign(&self, key: &SignerKey) -> Result<String, CheckpointError> {
        self.belongs_to(key.verifier_key())?;
        Ok(SignedNote::sign(&self.text(), key)?.to_string())
    }

    /// Reads a signed note, if this key has signed it and is of the log that the checkpoint names.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Checkpoint, CheckpointError> {
        let note = SignedNote::parse(note)?;
        let checkpoint = Checkpoint::parse(note.verify(key)?)?;
        checkpoint.belongs_to(key)?;
        Ok(checkpoint)
    }

    /// The name of the log.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree of that size.
    pub fn root(&self) -> Hash {
        self.root
    }

    /// Lines after the root.
    pub fn extensions(&self) -> &[String] {
        &self.extensions
    }

    fn belongs_to(&self, key: &VerifierKey) -> Result<(), CheckpointError> {
        if self.origin == key.name() {
            return Ok(());
        }
        Err(CheckpointError::OtherLog {
            origin: self.origin.clone(),
            key: key.name().to_owned(),
        })
    }
}

fn is_line(line: &str) -> bool {
    !line.is_empty() && !line.contains(|c: char| c < ' ')
}

/// `parse` of the standard library takes a plus sign and leading zeros.
fn parse_size(text: &str) -> Option<u64> {
    let size: u64 = text.parse().ok()?;
    (size.to_string() == text).then_some(size)
}
