//! `comptoir workers`: what an operator does about policies, timers and effects.

mod failed;
mod parked;
mod replay;
mod status;

use clap::{Args, Subcommand};
use sqlx::PgPool;

use crate::projections::store::Store;

/// What is done about policies, timers and effects.
#[derive(Subcommand)]
pub(crate) enum WorkersCommand {
    /// Lists the policies and effects that the log knows.
    List(status::Status),
    /// Tells how far each is, and what is due, tried again, failed and parked.
    Status(status::Status),
    /// Has a policy react once more to what happened. What it did stays as it is and is not repeated;
    /// what a newer version of it adds is done.
    Replay(replay::Replay),
    /// Events that a policy could not react to: looks at them, tries them again, gives them up.
    #[command(subcommand)]
    Parked(parked::Parked),
    /// Timers and acts that failed too often: looks at them, tries them again, gives them up.
    #[command(subcommand)]
    Failed(failed::Failed),
}

/// Where the log is, and how things are told.
#[derive(Args)]
struct At {
    #[command(flatten)]
    store: Store,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
}

impl At {
    async fn log(&self) -> anyhow::Result<PgPool> {
        Ok(self.store.open().await?.log)
    }

    /// Says how much was done.
    fn tell(&self, what: &str, how_many: u64, sentence: &str) {
        match self.json {
            true => println!("{}", serde_json::json!({ what: how_many })),
            false => println!("{how_many} {sentence}"),
        }
    }
}

impl WorkersCommand {
    /// Does what was asked.
    ///
    /// # Errors
    /// When a database is away, or a policy is not known.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(command) => command.list().await,
            Self::Status(command) => command.run().await,
            Self::Replay(command) => command.run().await,
            Self::Parked(parked) => parked.run().await,
            Self::Failed(failed) => failed.run().await,
        }
    }
}
