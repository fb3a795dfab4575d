//! `comptoir audit checkpoint`, `checkpoints`: what is signed of the tree.

use anyhow::bail;
use clap::Args;
use event_store::tree::{self, Grower, Grown, Signed};
use serde_json::json;

use super::Found;
use super::keys::Signing;
use crate::projections::store::Store;
use crate::settings::checkpoints::Publishing;
use crate::table;

/// Signs one at once.
#[derive(Args)]
pub(crate) struct Checkpoint {
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    publishing: Publishing,
    /// Kafka's bootstrap servers, for `--checkpoint-topic`.
    #[arg(long, env = "KAFKA_BROKERS")]
    kafka_brokers: Option<String>,
    #[command(flatten)]
    store: Store,
}

/// Lists those there are.
#[derive(Args)]
pub(crate) struct Checkpoints {
    /// From this size on.
    #[arg(long, default_value_t = 0)]
    from: u64,
    #[command(flatten)]
    store: Store,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

impl Checkpoint {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let keys = self.signing.keys(&self.store)?;
        let sinks = self.publishing.sinks(self.kafka_brokers.as_deref())?;
        let log = self.store.open().await?.log;
        let mut grower = Grower::new(log.clone());
        // Who holds the tree adds to it and lets go of it.
        while grower.grow().await? == Grown::Busy {
            tokio::task::yield_now().await;
        }
        let Some(signed) = tree::sign(&log, &keys).await? else {
            bail!("the log is empty: there is nothing to sign");
        };
        tree::publish(&log, &sinks).await?;
        print!("{}", signed.note);
        Ok(Found::Right)
    }
}

impl Checkpoints {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let log = self.store.open().await?.log;
        let all = tree::checkpoints(&log, self.from, u64::MAX, None).await?;
        if self.json {
            for one in &all {
                println!(
                    "{}",
                    json!({"size": one.size, "log": one.origin, "signed_at": one.signed_at, "note": one.note})
                );
            }
            return Ok(Found::Right);
        }
        let line = |one: &Signed| {
            let signed_at = one.signed_at.format("%F %T").to_string();
            [one.size.to_string(), signed_at, one.origin.clone()]
        };
        table::lines(&all, ["size", "signed", "log"], line);
        Ok(Found::Right)
    }
}
