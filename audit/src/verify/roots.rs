//! The checkpoints, and whether the log is what they say.

use std::collections::BTreeMap;

use event_store::tree;
use proofs::{Checkpoint, Hash, SignedNote};
use sqlx::PgPool;

use super::{Error, Fault, Trusted};

/// Where a checkpoint was found.
struct Claim {
    origin: String,
    root: Hash,
    signed: bool,
}

/// What was signed, by size.
pub(super) struct Roots {
    claims: BTreeMap<u64, Vec<Claim>>,
    faults: Vec<Fault>,
    /// The largest size up to which the events are those that were signed.
    honoured_to: u64,
    honoured: u64,
    unsigned: u64,
}

/// What the log and its tree come to at some size.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// Of the events.
    pub(super) events: Hash,
    /// Of the leaves that the tiles have.
    pub(super) tiles: Hash,
}

impl Roots {
    pub(super) async fn load(log: &PgPool, trusted: &Trusted) -> Result<Self, Error> {
        let mut roots = Self {
            claims: BTreeMap::new(),
            faults: Vec::new(),
            honoured_to: 0,
            honoured: 0,
            unsigned: 0,
        };
        let own = tree::checkpoints(log, 0, u64::MAX, None).await?;
        for signed in &own {
            roots.add(&signed.note, Some(signed.size), trusted);
        }
        for note in &trusted.published {
            if own.iter().any(|signed| signed.note == *note) {
                continue;
            }
            if let Some(position) = roots.add(note, None, trusted) {
                roots.faults.push(Fault::Withdrawn { position });
            }
        }
        Ok(roots)
    }

    /// Takes a note for what it says, if it may be trusted; gives its size.
    fn add(&mut self, note: &str, size: Option<u64>, trusted: &Trusted) -> Option<u64> {
        match read(note, trusted) {
            Ok((checkpoint, signed)) if size.is_none_or(|size| size == checkpoint.size()) => {
                let size = checkpoint.size();
                self.claims.entry(size).or_default().push(Claim {
                    origin: checkpoint.origin().to_owned(),
                    root: checkpoint.root(),
                    signed,
                });
                Some(size)
            }
            Ok((checkpoint, _)) => {
                let why = format!("it is of size {}", checkpoint.size());
                self.distrust(size, why);
                None
            }
            Err(why) => {
                self.distrust(size, why);
                None
            }
        }
    }

    fn distrust(&mut self, size: Option<u64>, why: String) {
        let position = size.unwrap_or(0);
        self.faults.push(Fault::Signature { position, why });
    }

    /// The sizes that something was signed of.
    pub(super) fn sizes(&self) -> Vec<u64> {
        self.claims.keys().copied().collect()
    }

    /// Compares what was signed of this size with what the log comes to.
    pub(super) fn compare(&mut self, size: u64, seen: Seen) {
        let before = self.honoured_to;
        for claim in self.claims.get(&size).into_iter().flatten() {
            if claim.root == seen.events {
                self.honoured += 1;
                self.unsigned += u64::from(!claim.signed);
                self.honoured_to = size;
            } else if claim.root != seen.tiles {
                self.faults.push(Fault::Checkpoint {
                    position: before + 1,
                    size,
                    origin: claim.origin.clone(),
                });
            }
        }
    }

    /// Whether the event at `position` is one that was signed.
    pub(super) fn honours(&self, position: u64) -> bool {
        position <= self.honoured_to
    }

    /// How many the log honours, and for how many of these no key was given.
    pub(super) fn honoured(&self) -> (u64, u64) {
        (self.honoured, self.unsigned)
    }

    /// What is wrong with them.
    pub(super) fn take_faults(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }
}

/// A checkpoint, and whether a trusted key has signed it: one of another log than the keys are of is
/// not to be decided here.
fn read(note: &str, trusted: &Trusted) -> Result<(Checkpoint, bool), String> {
    let parsed = SignedNote::parse(note).map_err(|why| why.to_string())?;
    let said = Checkpoint::parse(parsed.unverified_text()).map_err(|why| why.to_string())?;
    let of_it = trusted
        .keys
        .iter()
        .filter(|key| key.name() == said.origin());
    let mut why = None;
    for key in of_it {
        match Checkpoint::open(note, key) {
            Ok(checkpoint) => return Ok((checkpoint, true)),
            Err(error) => why = Some(error.to_string()),
        }
    }
    why.map_or(Ok((said, false)), Err)
}
