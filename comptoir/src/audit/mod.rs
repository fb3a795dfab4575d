//! `comptoir audit`: what happened, who did it, and proof.

mod check;
mod export;
mod import;

use std::process::ExitCode;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

/// What an auditor asks.
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Checks a proof with the public key of the log alone: no database, no network.
    Check(check::Check),
    /// Writes events as CloudEvents, in lines of JSON, into a folder that can be imported again.
    Export(export::Export),
    /// Brings a whole export into an empty log: what `comptoir migrate` made, and nothing used yet.
    Import(import::Import),
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
            Self::Export(command) => command.run().await,
            Self::Import(command) => command.run().await,
        }
    }
}

/// A bar of how far something is, in positions of the log.
fn bar(prefix: &'static str) -> anyhow::Result<ProgressBar> {
    let style = "{prefix:10} {wide_bar} {pos}/{len}  {per_sec}  {eta} left";
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(style)?);
    bar.set_prefix(prefix);
    Ok(bar)
}
