//! A writer's own record of what it sent and what it was told: ndjson, a line at a time, written
//! before the command goes out and after its answer came.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::calls::{Told, Untold};

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "lowercase")]
pub enum Entry {
    Sent {
        key: Uuid,
    },
    /// A command that an earlier process left unanswered.
    Again {
        key: Uuid,
    },
    Acknowledged {
        key: Uuid,
        told: Told,
    },
    Failed {
        key: Uuid,
        attempt: Uuid,
        why: Untold,
    },
}

pub struct Journal(Mutex<File>);

impl Journal {
    /// Opens the journal at `path`, which a killed process may have left.
    pub fn open(path: &Path) -> Self {
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        // A line that was cut off: what it says was not sent yet, or will be asked again.
        let text = std::fs::read_to_string(path).unwrap();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).unwrap();
        Self(Mutex::new(file))
    }

    pub fn write(&self, entry: &Entry) {
        let line = serde_json::to_string(entry).unwrap() + "\n";
        let mut file = self.0.lock().unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}

/// What the journal at `path` holds.
pub fn read(path: &Path) -> Vec<Entry> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let entry = |line: &str| serde_json::from_str(line).unwrap();
    whole.lines().map(entry).collect()
}

/// The keys of `entries` that were sent and not answered.
pub fn unanswered(entries: &[Entry]) -> Vec<Uuid> {
    let answered = |entry: &Entry| match entry {
        Entry::Acknowledged { key, .. } => Some(*key),
        _ => None,
    };
    let answered: std::collections::HashSet<Uuid> = entries.iter().filter_map(answered).collect();
    let mut keys: Vec<Uuid> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Sent { key } if !answered.contains(key) => Some(*key),
            _ => None,
        })
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}
