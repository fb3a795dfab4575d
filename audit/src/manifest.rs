//! The manifest of an export: of which log it is, what it holds, and what it leaves out.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use chrono::{DateTime, Utc};
use event_store::{Position, Topic};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The name of the manifest in the folder of an export.
pub const MANIFEST: &str = "manifest.json";
/// The form of manifest and lines that this program writes and reads.
pub const FORMAT: u32 = 1;

/// What no export has, as the manifest says it.
const LEFT_OUT: [&str; 4] = [
    "The keys of persons: personal data is in the events as ciphertext. The keys are backed up apart from the log.",
    "Credentials: nobody signs in by a password that was set before.",
    "The answers that are kept for retries (idempotency records), and what policies have carried out and have yet to do (timers, e-mails under way).",
    "The secrets that tokens are made of (COMPTOIR_MASTER_KEY, COMPTOIR_TOKEN_KEY, COMPTOIR_PERSONAL_KEYS).",
];

/// The manifest of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Whether all files are there; until then the export can be gone on with.
    pub complete: bool,
    /// The epoch of the log.
    pub epoch: Uuid,
    /// When the export was begun.
    pub begun_at: DateTime<Utc>,
    /// What was asked for, as it was written.
    pub asked: Asked,
    /// The first position of the range.
    pub first: Position,
    /// The last one; below the first when there is nothing in the range.
    pub last: Position,
    /// How many events there are in the files.
    pub events: u64,
    /// The topics of the log.
    pub topics: Vec<TopicOf>,
    /// The files, in the order of positions.
    pub files: Vec<FileOf>,
    /// Checkpoints of a whole log, as signed notes.
    pub checkpoints: Vec<String>,
    /// What the log's system has and the export has not, in sentences.
    pub left_out: Vec<String>,
}

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// Where it begins: a position or a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Where it ends, both included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Of which contexts; of all when none is named.
    pub contexts: Vec<String>,
}

/// The topic of a context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicOf {
    /// The context.
    pub context: String,
    /// Which topic of the context it is.
    pub generation: i32,
    /// How many partitions it has.
    pub partitions: u32,
}

/// A file of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileOf {
    /// Its name in the folder.
    pub name: String,
    /// The first position of its range.
    pub first: Position,
    /// The last one.
    pub last: Position,
    /// How many lines it has, one an event.
    pub events: u64,
    /// How many bytes, compressed.
    pub bytes: u64,
    /// The SHA-256 of these bytes, in hexadecimal digits.
    pub sha256: String,
}

impl Manifest {
    /// The manifest of an export of which no file is there yet.
    pub(crate) fn new(epoch: Uuid, asked: Asked, range: (Position, Position)) -> Self {
        Self {
            format: FORMAT,
            complete: false,
            epoch,
            begun_at: Utc::now(),
            asked,
            first: range.0,
            last: range.1,
            events: 0,
            topics: Vec::new(),
            files: Vec::new(),
            checkpoints: Vec::new(),
            left_out: LEFT_OUT.map(str::to_owned).to_vec(),
        }
    }

    /// Whether it has all events of the log up to its last.
    pub(crate) fn is_whole(&self) -> bool {
        self.first == 1 && self.asked.contexts.is_empty()
    }

    /// The manifest in `folder`; none when there is none.
    ///
    /// # Errors
    /// When it can't be read, or is none of this form.
    pub(crate) fn read(folder: &Path) -> io::Result<Option<Self>> {
        match fs::read(folder.join(MANIFEST)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts it into `folder`, in the place of the one that is there, or leaves that.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let part = folder.join(format!("{MANIFEST}.part"));
        let mut file = File::create(&part)?;
        serde_json::to_writer_pretty(&file, self)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&part, folder.join(MANIFEST))?;
        sync_folder(folder)
    }
}

impl TopicOf {
    /// As the log has it.
    pub(crate) fn topic(&self) -> Topic {
        Topic {
            generation: self.generation,
            partitions: self.partitions,
        }
    }
}

/// Makes sure that a file that was renamed is found under its new name after a crash.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
