//! `comptoir audit`: what happened, who did it, and proof.

mod bar;
mod causes;
mod check;
mod checkpoints;
mod export;
mod history;
mod import;
mod keys;
mod prove;
mod reconcile;
mod replay;
mod replays;
mod screen;
mod state;
mod told;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

pub(crate) use reconcile::policies;

/// What an auditor asks.
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Shows the request behind an event, and everything that followed.
    Causes(causes::Causes),
    /// Checks a proof with the public key of the log alone: no database, no network.
    Check(check::Check),
    /// Signs the log as it is now.
    Checkpoint(checkpoints::Checkpoint),
    /// Lists what was signed.
    Checkpoints(checkpoints::Checkpoints),
    /// Writes events as CloudEvents, in lines of JSON, into a folder that can be imported again.
    Export(export::Export),
    /// Tells every event of a stream: when, who, which request, caused by what.
    History(history::History),
    /// Brings a whole export into an empty log: what `comptoir migrate` made, and nothing used yet.
    Import(import::Import),
    /// Prints the public keys of the log, for those who check proofs.
    Key(keys::Key),
    /// Proves that an event is in the log.
    Prove(prove::Prove),
    /// Proves that the log only grew from one checkpoint to another.
    ProveConsistency(prove::ProveConsistency),
    /// Looks whether log, Kafka, read tables and policies agree, position by position.
    Reconcile(reconcile::Reconcile),
    /// Folds tables as of a past moment into schemas of their own, beside the live ones.
    Replay(replay::Replay),
    /// Lists the replays that there are.
    Replays(replays::Replays),
    /// Shows an aggregate as it stood at a version or a time.
    State(state::State),
    /// Looks whether the log is what it was: every position, stream, hash and checkpoint.
    Verify(verify::Verify),
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
            Self::Causes(command) => command.run().await,
            Self::Check(command) => command.run(),
            Self::Checkpoint(command) => command.run().await,
            Self::Checkpoints(command) => command.run().await,
            Self::Export(command) => command.run().await,
            Self::History(command) => command.run().await,
            Self::Import(command) => command.run().await,
            Self::Key(command) => command.run().await,
            Self::Prove(command) => command.run().await,
            Self::ProveConsistency(command) => command.run().await,
            Self::Reconcile(command) => command.run().await,
            Self::Replay(command) => command.run().await,
            Self::Replays(command) => command.run().await,
            Self::State(command) => command.run().await,
            Self::Verify(command) => command.run().await,
        }
    }
}
