//! `comptoir workers parked`: events that a policy could not react to.

use clap::{Args, Subcommand};
use uuid::Uuid;
use workers::runtime::parked::{self, Parked as Stream};

use super::At;
use crate::table;

#[derive(Subcommand)]
pub(crate) enum Parked {
    /// Lists the parked streams, and why they are.
    List(List),
    /// Has parked streams tried again, each in order until one of its events fails still.
    Retry(Retry),
    /// Gives up the parked events of one stream: they are never reacted to. Later ones are again.
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
    /// Only this stream.
    #[arg(long)]
    stream: Option<Uuid>,
    #[command(flatten)]
    at: At,
}

#[derive(Args)]
pub(crate) struct Discard {
    /// The policy.
    policy: String,
    /// The stream: the id of its aggregate.
    #[arg(long)]
    stream: Uuid,
    #[command(flatten)]
    at: At,
}

impl Parked {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(list) => list.run().await,
            Self::Retry(Retry { policy, stream, at }) => {
                let asked = parked::retry(&at.log().await?, policy.as_deref(), stream).await?;
                at.tell(
                    "asked",
                    asked,
                    "streams are tried again by the worker that leads",
                );
                Ok(())
            }
            Self::Discard(Discard { policy, stream, at }) => {
                let discarded = parked::discard(&at.log().await?, &policy, stream).await?;
                at.tell("discarded", discarded, "events are given up");
                Ok(())
            }
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<()> {
        let streams = parked::list(&self.at.log().await?, self.policy.as_deref()).await?;
        let heads = ["policy", "stream", "events", "failed at", "tried", "why"];
        let line = |one: &Stream| {
            [
                one.policy.clone(),
                one.aggregate_id.to_string(),
                one.events.to_string(),
                format!("{} {}", one.position, one.event_type),
                one.attempts.to_string(),
                one.error
                    .clone()
                    .unwrap_or_else(|| "it is tried again".to_owned()),
            ]
        };
        table::print(self.at.json, &streams, heads, line)
    }
}
