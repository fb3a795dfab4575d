//! The file that remembers what was answered, so that a play that was killed goes on.
//!
//! One JSON line an answer, written before the next request. An accepted command may be sent again
//! with its key at any time; a refusal is not kept by the server and would be decided anew, so it
//! is on the disk before the next request.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::outcome::Outcome;

/// How many lines a power cut may lose.
const LINES_BETWEEN_SYNCS: u32 = 500;

/// A line of the file; the first is `Began`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Line {
    /// Whose progress it is. The run's id is part of every idempotency key.
    Began { run: Uuid, plan: Uuid },
    /// A step was answered; `micros` after the answer before it, or after the start.
    Answered {
        step: usize,
        outcome: Outcome,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<Uuid>,
        micros: u64,
    },
    /// A query saw a booking so long after its answer; null when it was given up.
    Seen { visible_after_micros: Option<u64> },
    /// The play came to its end.
    Ended { ended: bool },
}

/// The file, held by this process alone.
pub(super) struct Progress {
    file: File,
    unsynced: u32,
}

/// What a file knows.
pub(super) struct Past {
    pub(super) run: Uuid,
    pub(super) lines: Vec<Line>,
}

impl Progress {
    /// Opens the file for the plan with this digest, or begins it.
    pub(super) fn open(path: &Path, plan: Uuid) -> anyhow::Result<(Self, Past)> {
        let shown = path.display();
        let mut file = lock(path).with_context(|| format!("cannot open {shown}"))?;
        let lines = read(&mut file).with_context(|| format!("cannot read {shown}"))?;
        let mut progress = Self { file, unsynced: 0 };
        let mut lines = lines.into_iter();
        let run = match lines.next() {
            None => progress.begin(path, plan)?,
            Some(Line::Began { run, plan: of }) if of == plan => run,
            Some(Line::Began { .. }) => bail!(
                "{shown} remembers the play of another plan (another version of Comptoir made it): \
                 move it away to play this one from the start"
            ),
            Some(_) => bail!("{shown} is not a progress file of the demo"),
        };
        let lines = lines.collect();
        Ok((progress, Past { run, lines }))
    }

    fn begin(&mut self, path: &Path, plan: Uuid) -> anyhow::Result<Uuid> {
        let run = Uuid::new_v4();
        self.write(&Line::Began { run, plan })?;
        self.sync()?;
        // The folder's entry too: without it a power cut would lose the whole file.
        File::open(folder_of(path))?.sync_all()?;
        Ok(run)
    }

    /// Adds a line.
    pub(super) fn write(&mut self, line: &Line) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        let written = self.file.write_all(&text);
        written.context("cannot write the progress file")?;
        self.unsynced += 1;
        let outcome = match line {
            Line::Answered { outcome, .. } => Some(outcome),
            _ => None,
        };
        let refused = matches!(outcome, Some(Outcome::Refused(_)));
        if refused || self.unsynced >= LINES_BETWEEN_SYNCS {
            self.sync()?;
        }
        Ok(())
    }

    /// Puts all lines on the disk.
    pub(super) fn sync(&mut self) -> anyhow::Result<()> {
        let synced = self.file.sync_data();
        synced.context("cannot put the progress file on the disk")?;
        self.unsynced = 0;
        Ok(())
    }
}

impl Drop for Progress {
    /// Closing alone would leave the lock to a process that was forked meanwhile, until its exec.
    fn drop(&mut self) {
        if let Err(error) = self.file.unlock() {
            tracing::warn!("the progress file stays locked: {error}");
        }
    }
}

/// Opens and locks the file. The lock ends with the process, however that ends.
fn lock(path: &Path) -> anyhow::Result<File> {
    fs::create_dir_all(folder_of(path))?;
    let mut options = OpenOptions::new();
    let file = options.read(true).append(true).create(true).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!("another demo is playing with it"),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The lines of the file. A last line that was torn by a kill is cut off.
fn read(file: &mut File) -> anyhow::Result<Vec<Line>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let whole = bytes.iter().rposition(|byte| *byte == b'\n');
    let whole = whole.map_or(0, |newline| newline + 1);
    file.set_len(whole as u64)?;
    bytes.truncate(whole);
    let text = String::from_utf8(bytes)?;
    let numbered = text.lines().zip(1..);
    let lines = numbered.map(|(line, number)| {
        serde_json::from_str(line).with_context(|| format!("line {number} is damaged"))
    });
    lines.collect()
}
