//! The keys of checkpoints: those that sign, and those that an auditor trusts.

use std::path::Path;

use anyhow::Context;
use clap::Args;
use event_store::tree::{CheckpointKeys, checkpoints, origin};
use proofs::VerifierKey;
use sqlx::PgPool;

use super::Found;
use crate::projections::store::Store;
use crate::settings::checkpoints::keys;

/// What signs checkpoints.
#[derive(Args)]
pub(crate) struct Signing {
    /// What signs checkpoints, as the worker has it; that of a running `comptoir up` unless told.
    #[arg(long, env = "COMPTOIR_CHECKPOINT_KEYS", hide_env_values = true)]
    checkpoint_keys: Option<String>,
}

impl Signing {
    /// The keys, where they are known.
    fn known(&self, store: &Store) -> anyhow::Result<Option<CheckpointKeys>> {
        match &self.checkpoint_keys {
            Some(text) => Ok(Some(keys(text)?)),
            None => store.checkpoint_keys(),
        }
    }

    /// The keys.
    pub(super) fn keys(&self, store: &Store) -> anyhow::Result<CheckpointKeys> {
        let keys = self.known(store)?;
        keys.context("this needs the worker's COMPTOIR_CHECKPOINT_KEYS")
    }

    /// The public keys of every log whose checkpoints are here: none when the keys are not known.
    pub(super) async fn verifiers(
        &self,
        store: &Store,
        log: &PgPool,
    ) -> anyhow::Result<Vec<VerifierKey>> {
        let Some(keys) = self.known(store)? else {
            return Ok(Vec::new());
        };
        let signed = checkpoints(log, 0, u64::MAX, None).await?;
        let mut origins: Vec<&str> = signed.iter().map(|one| one.origin.as_str()).collect();
        origins.sort_unstable();
        origins.dedup();
        let mut all = Vec::new();
        for origin in origins {
            all.extend(keys.verifiers(origin)?);
        }
        Ok(all)
    }
}

/// Prints the public keys of the log.
#[derive(Args)]
pub(crate) struct Key {
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    store: Store,
}

impl Key {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let keys = self.signing.keys(&self.store)?;
        let log = self.store.open().await?.log;
        let (epoch, _) = event_store::head(&log).await?;
        for key in keys.verifiers(&origin(keys.name(), epoch))? {
            println!("{key}");
        }
        Ok(Found::Right)
    }
}

/// The public key that is told, or that stands in the file that is told.
pub(super) fn verifier_key(told: &str) -> anyhow::Result<VerifierKey> {
    let text = match Path::new(told).is_file() {
        true => std::fs::read_to_string(told).with_context(|| format!("reading {told}"))?,
        false => told.to_owned(),
    };
    VerifierKey::parse(text.trim()).context("the public key of the log")
}
