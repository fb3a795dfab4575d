//! How far policies and effects are.

use clap::Args;
use workers::runtime::standing::{Standing, standing};

use super::At;
use crate::table;

/// How it is told.
#[derive(Args)]
pub(crate) struct Status {
    #[command(flatten)]
    at: At,
}

impl Status {
    pub(super) async fn list(self) -> anyhow::Result<()> {
        let all = standing(&self.at.log().await?).await?;
        let names: Vec<String> = all.into_iter().map(|one| one.policy).collect();
        table::print(self.at.json, &names, ["policy"], |name| [name.clone()])
    }

    pub(super) async fn run(self) -> anyhow::Result<()> {
        let all = standing(&self.at.log().await?).await?;
        let heads = [
            "policy",
            "position",
            "events behind",
            "seconds behind",
            "replay",
            "pending",
            "tried again",
            "seconds overdue",
            "failed",
            "events parked",
        ];
        let line = |one: &Standing| {
            let replay = one.replayed_to.zip(one.replay_until);
            [
                one.policy.clone(),
                one.position.to_string(),
                one.events_behind.to_string(),
                format!("{:.1}", one.seconds_behind),
                replay.map_or_else(String::new, |(to, until)| format!("{to} of {until}")),
                one.pending.to_string(),
                one.retried.to_string(),
                format!("{:.1}", one.overdue_seconds),
                one.failed.to_string(),
                one.parked.to_string(),
            ]
        };
        table::print(self.at.json, &all, heads, line)
    }
}
