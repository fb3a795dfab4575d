//! `comptoir audit`: what happened, who did it, and proof.

mod check;
mod replay;
mod replays;

use std::process::ExitCode;

use clap::Subcommand;

/// What an auditor asks.
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Checks a proof with the public key of the log alone: no database, no network.
    Check(check::Check),
    /// Folds tables as of a past moment into schemas of their own, beside the live ones.
    Replay(replay::Replay),
    /// Lists the replays that there are.
    Replays(replays::Replays),
}

/// What came of a question, for scripts: how the program exits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    /// `0`: all is as it should be.
    Right,
    /// `1`: something is wrong: it does not verify, differs, or is missing.
    Wrong,
}

/// The question can't be answered; clap ends with the same when it does not understand one.
const UNANSWERED: u8 = 2;

impl AuditCommand {
    /// Answers what was asked, and gives how the program exits.
    pub(crate) async fn run(self) -> ExitCode {
        match self.answer().await {
            Ok(Found::Right) => ExitCode::SUCCESS,
            Ok(Found::Wrong) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("Error: {error:?}");
                ExitCode::from(UNANSWERED)
            }
        }
    }

    async fn answer(self) -> anyhow::Result<Found> {
        match self {
            Self::Check(command) => command.run(),
            Self::Replay(command) => command.run().await,
            Self::Replays(command) => command.run().await,
        }
    }
}
