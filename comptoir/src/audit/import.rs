//! `comptoir audit import`: a whole export into an empty log.

use std::path::PathBuf;
use std::sync::Arc;

use ::audit::import::{self, Databases, Fault, Faults, Outcome, Progress, Step, Summary};
use anyhow::Context;
use clap::Args;
use serde_json::json;

use super::Found;
use super::bar::bar;
use crate::projections::store::Store;

#[derive(Args)]
pub(crate) struct Import {
    /// The folder of the export.
    folder: PathBuf,
    /// So many faults are told one by one.
    #[arg(long, default_value_t = 20)]
    max_errors: usize,
    /// Prints what came of it as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let databases = Databases {
            log: self.store.log()?,
            keys: self.store.keys()?,
        };
        let bar = bar("checking")?;
        let shown = bar.clone();
        let progress: Progress = Arc::new(move |step, position, last| {
            shown.set_prefix(match step {
                Step::Checking => "checking",
                Step::Storing => "storing",
            });
            shown.set_length(last.unsigned_abs());
            shown.set_position(position.unsigned_abs());
        });
        let outcome = import::run(&databases, &self.folder, self.max_errors, progress).await;
        bar.finish_and_clear();
        let outcome = outcome.with_context(|| format!("importing {}", self.folder.display()))?;
        match (&outcome, self.json) {
            (Outcome::Refused(faults), true) => println!("{}", serde_json::to_string(faults)?),
            (Outcome::Refused(faults), false) => tell(faults),
            (Outcome::Imported(summary), true) => println!("{}", json_of(summary)),
            (Outcome::Imported(summary), false) => println!("{}", told(summary)),
        }
        Ok(match outcome {
            Outcome::Refused(_) => Found::Wrong,
            Outcome::Imported(_) => Found::Right,
        })
    }
}

fn tell(faults: &Faults) {
    for Fault { file, line, what } in &faults.first {
        match line {
            Some(line) => println!("{file}, line {line}: {what}"),
            None => println!("{file}: {what}"),
        }
    }
    let more = faults.count - faults.first.len() as u64;
    if more > 0 {
        println!("… and {more} more");
    }
    println!("{} faults; nothing was written.", faults.count);
}

fn told(summary: &Summary) -> String {
    let Summary {
        epoch,
        events,
        erased,
        before,
    } = summary;
    match before {
        true => format!("All {events} events were imported before; nothing was to be done."),
        false => format!(
            "{events} events are imported; the log has the epoch {epoch}. {erased} persons in it were erased, and stay so."
        ),
    }
}

fn json_of(summary: &Summary) -> serde_json::Value {
    json!({
        "epoch": summary.epoch, "events": summary.events, "erased": summary.erased,
        "before": summary.before,
    })
}
