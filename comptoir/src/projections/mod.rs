//! `comptoir projections`: what an operator does to read tables.

pub(crate) mod bar;
mod parked;
pub(crate) mod rebuild;
mod status;
pub(crate) mod store;
mod watch;

use clap::Subcommand;

/// What is done with read tables.
#[derive(Subcommand)]
pub(crate) enum ProjectionsCommand {
    /// Lists the projections: their versions, contexts and tables.
    List(status::Status),
    /// Tells how far each projection is: position, lag in events and seconds, rows parked.
    Status(status::Status),
    /// Tells it again and again.
    Watch(watch::Watch),
    /// Builds tables anew from the log, compares them with the live ones, and swaps them. Killed, it
    /// leaves the live table as it is, and starts clean the next time.
    Rebuild(rebuild::Rebuild),
    /// Goes back to the table that was live before the last rebuild.
    Rollback(rebuild::Rollback),
    /// Compares a live table with a fresh fold of the log, and changes nothing.
    Drift(rebuild::Drift),
    /// Streams that a projection could not apply: looks at them, tries them again, gives them up.
    #[command(subcommand)]
    Parked(parked::Parked),
}

impl ProjectionsCommand {
    /// Does what was asked.
    ///
    /// # Errors
    /// When a database is away, a projection is not known, or tables differ.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List(command) => command.list(),
            Self::Status(command) => command.run().await,
            Self::Watch(command) => command.run().await,
            Self::Rebuild(command) => command.run().await,
            Self::Rollback(command) => command.run().await,
            Self::Drift(command) => command.run().await,
            Self::Parked(parked) => parked.run().await,
        }
    }
}
