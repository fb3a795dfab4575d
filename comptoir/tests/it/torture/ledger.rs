//! What the journals say: which commands were sent, and what their callers were told.

use std::collections::{HashMap, HashSet};

use event_store::Position;
use uuid::Uuid;

use super::calls::{Told, Untold};
use super::journal::Entry;

#[derive(Default)]
pub struct Ledger {
    pub sent: HashSet<Uuid>,
    /// The first answer to each command.
    pub told: HashMap<Uuid, Told>,
    /// Attempts of which it was said that they stored nothing.
    pub refused: HashSet<Uuid>,
    /// Commands that were sent by one process alone, after it was told of this position.
    pub after: HashMap<Uuid, Position>,
    /// Commands that several callers sent at about the same time.
    pub twins: HashSet<Uuid>,
    pub retried: HashSet<Uuid>,
    pub failures: [usize; 3],
    pub conflicts: usize,
}

impl Ledger {
    /// Adds up `journals`.
    ///
    /// # Panics
    /// When a command was answered in two ways.
    pub fn of(journals: &[Vec<Entry>]) -> Self {
        let mut ledger = Self::default();
        for journal in journals {
            ledger.add(journal);
        }
        ledger
    }

    fn add(&mut self, journal: &[Entry]) {
        let mut highest = 0;
        for entry in journal {
            match entry {
                Entry::Sent { key } => {
                    if self.sent.insert(*key) {
                        self.after.insert(*key, highest);
                    } else {
                        self.after.remove(key);
                        self.twins.insert(*key);
                    }
                }
                Entry::Again { key } => _ = self.retried.insert(*key),
                Entry::Failed { key, attempt, why } => {
                    self.retried.insert(*key);
                    self.failures[*why as usize] += 1;
                    if *why != Untold::Unknown {
                        self.refused.insert(*attempt);
                    }
                }
                Entry::Acknowledged { key, told } => {
                    highest = highest.max(told.positions.last().copied().unwrap_or(0));
                    self.conflicts += told.conflicts;
                    let first = self.told.entry(*key).or_insert_with(|| told.clone());
                    assert_eq!(first.answer, told.answer, "{key} was answered in two ways");
                    assert_eq!(first.positions, told.positions, "{key}");
                }
            }
        }
    }
}
