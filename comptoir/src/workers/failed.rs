//! `comptoir workers failed`: timers and acts that failed too often.

use clap::{Args, Subcommand};
use workers::runtime::failed;

use super::At;
use crate::table;

#[derive(Subcommand)]
pub(crate) enum Failed {
    /// Lists them, and why they failed.
    List(List),
    /// Has them attempted again.
    Retry(Retry),
    /// Gives up what failed under one key: it is never done.
    Discard(Discard),
}

#[derive(Args)]
pub(crate) struct List {
    /// Only of this policy.
    policy: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Args)]
pub(crate) struct Retry {
    /// Only of this policy.
    policy: Option<String>,
    /// Only what has this key.
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    at: At,
}

#[derive(Args)]
pub(crate) struct Discard {
    /// The policy.
    policy: String,
    /// The key.
    #[arg(long)]
    key: String,
    #[command(flatten)]
    at: At,
}

impl Failed {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.run().await,
            Self::Retry(Retry { policy, key, at }) => {
                let log = at.log().await?;
                let retried = failed::retry(&log, policy.as_deref(), key.as_deref()).await?;
                at.tell("retried", retried, "are attempted again");
                Ok(())
            }
            Self::Discard(Discard { policy, key, at }) => {
                let discarded = failed::discard(&at.log().await?, &policy, &key).await?;
                at.tell("discarded", discarded, "are given up");
                Ok(())
            }
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let all = failed::list(&self.at.log().await?, self.policy.as_deref()).await?;
        let heads = ["policy", "key", "tried", "why"];
        let line = |one: &failed::Failed| {
            [
                one.policy.clone(),
                one.key.clone(),
                one.attempts.to_string(),
                one.error.clone().unwrap_or_default(),
            ]
        };
        table::print(self.at.json, &all, heads, line)
    }
}
