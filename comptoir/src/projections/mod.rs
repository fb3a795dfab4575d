//! `comptoir projections`: what an operator does to the read tables.

mod parked;

use clap::Subcommand;

/// What is done with projections.
#[derive(Subcommand)]
pub(crate) enum ProjectionsCommand {
    /// Streams that a projection could not apply: looks at them, tries them again, gives them up.
    #[command(subcommand)]
    Parked(parked::Parked),
}

impl ProjectionsCommand {
    /// Does what was asked.
    ///
    /// # Errors
    /// What went wrong, in a sentence.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Parked(parked) => parked.run().await,
        }
    }
}
