//! What was signed of the log that an export is of.

use event_store::import;
use proofs::{Checkpoint, Frontier, SignedNote};

/// A checkpoint of the manifest.
pub(super) struct Signed<'m> {
    note: &'m str,
    checkpoint: Checkpoint,
}

impl<'m> Signed<'m> {
    /// Those of `notes` that can be read, by size; `fault` is told what is wrong with others. Who
    /// signed them is not looked at: that is what `verify` does.
    pub(super) fn of(notes: &'m [String], mut fault: impl FnMut(String)) -> Vec<Self> {
        let mut all = Vec::new();
        for note in notes {
            match read(note) {
                Ok(checkpoint) => all.push(Self { note, checkpoint }),
                Err(why) => fault(format!("one of its checkpoints is none: {why}")),
            }
        }
        all.sort_by_key(|signed| signed.checkpoint.size());
        all
    }

    /// As the log keeps it.
    pub(super) fn row(&self) -> import::Checkpoint {
        import::Checkpoint {
            size: self.checkpoint.size(),
            origin: self.checkpoint.origin().to_owned(),
            note: self.note.to_owned(),
        }
    }

    /// How many events it covers.
    pub(super) fn size(&self) -> u64 {
        self.checkpoint.size()
    }

    /// Whether it is of these events.
    pub(super) fn is_of(&self, events: &Frontier) -> bool {
        (self.size(), self.checkpoint.root()) == (events.size(), events.root())
    }
}

fn read(note: &str) -> Result<Checkpoint, String> {
    let note = SignedNote::parse(note).map_err(|why| why.to_string())?;
    Checkpoint::parse(note.unverified_text()).map_err(|why| why.to_string())
}
