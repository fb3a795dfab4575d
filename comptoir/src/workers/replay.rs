//! `comptoir workers replay`.

use anyhow::Context;
use clap::Args;
use workers::runtime::replay;

use super::At;

/// Which policy, and from where.
#[derive(Args)]
pub(crate) struct Replay {
    /// The policy.
    policy: String,
    /// The position after which it reacts again, up to the end of the log as it is now.
    #[arg(long)]
    from: i64,
    #[command(flatten)]
    at: At,
}

impl Replay {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let asked = replay::ask(&self.at.log().await?, &self.policy, self.from).await?;
        let until = asked.with_context(|| format!("there is no policy {}", self.policy))?;
        match self.at.json {
            true => println!(
                "{}",
                serde_json::json!({ "from": self.from, "until": until })
            ),
            false => println!(
                "{} is replayed from {} to {until} by the worker that leads; `comptoir workers status` tells how far it is",
                self.policy, self.from
            ),
        }
        Ok(())
    }
}
