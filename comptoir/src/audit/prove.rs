//! `comptoir audit prove`, `prove-consistency`: proofs for those who do not have the log.

use std::path::PathBuf;

use anyhow::Context;
use audit::causes::{EventName, find};
use clap::Args;
use event_store::tree;
use proofs::Proof;

use super::{Found, told};
use crate::projections::store::Store;

/// Proves that an event is in the log.
#[derive(Args)]
pub(crate) struct Prove {
    /// The event: its position, or its id.
    event: EventName,
    /// Puts the event itself into the proof; what is personal in it stays sealed.
    #[arg(long)]
    with_event: bool,
    #[command(flatten)]
    to: To,
}

/// Proves that the log only grew from one checkpoint to another.
#[derive(Args)]
pub(crate) struct ProveConsistency {
    /// The size of the earlier checkpoint.
    #[arg(long)]
    from: u64,
    /// The size of the later one; the last unless told otherwise.
    #[arg(long)]
    to_size: Option<u64>,
    #[command(flatten)]
    to: To,
}

/// Where a proof goes.
#[derive(Args)]
struct To {
    /// The file; the output unless told otherwise.
    #[arg(long)]
    out: Option<PathBuf>,
    #[command(flatten)]
    store: Store,
}

impl Prove {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let log = self.to.store.open().await?.log;
        let Some((position, _)) = find::event(&log, self.event, true).await? else {
            return Ok(told::wrong(&format!("there is no event {}.", self.event)));
        };
        let proof = tree::inclusion(&log, position, self.with_event).await;
        self.to.write(proof.map(Proof::Inclusion))
    }
}

impl ProveConsistency {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let log = self.to.store.open().await?.log;
        let proof = tree::consistency(&log, self.from, self.to_size).await;
        self.to.write(proof.map(Proof::Consistency))
    }
}

impl To {
    fn write(&self, proof: Result<Proof, tree::Error>) -> anyhow::Result<Found> {
        let json = match proof {
            Ok(proof) => proof.to_json()? + "\n",
            Err(error) if error.is_answer() => {
                return Ok(told::wrong(&format!("{error}.")));
            }
            Err(error) => return Err(error.into()),
        };
        match &self.out {
            None => print!("{json}"),
            Some(file) => {
                std::fs::write(file, json).with_context(|| file.display().to_string())?;
            }
        }
        Ok(Found::Right)
    }
}
