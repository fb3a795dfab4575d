//! Plays a plan: one step after the other, each answered and remembered before the next.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, ensure};

use super::api::{Answer, Api};
use super::bar::Bar;
use super::ledger::Ledger;
use super::plan::{Plan, Step, Verb};
use super::progress::{Line, Progress};
use super::report::{Measured, Report};
use super::request::request;
use super::sight::Sight;
use super::{Options, outcome::Outcome};

/// Plays `plan`, or what is left of it.
///
/// # Errors
/// When the server gives an answer that a right play never gets. No answer is no error: it waits.
pub async fn play_plan(plan: &Plan, options: &Options) -> anyhow::Result<Report> {
    let api = Arc::new(Api::new(options)?);
    let (mut progress, past) = Progress::open(&options.progress, plan.digest()?)?;
    let mut ledger = Ledger::new(plan);
    let mut measured = Measured::default();
    let mut ended = false;
    for line in past.lines {
        ended |= recall(&mut ledger, &mut measured, line)
            .with_context(|| format!("{} is damaged", options.progress.display()))?;
    }
    if ended {
        tracing::info!("demo: it was played to its end before; this is what came of it");
    } else {
        let bar = Bar::new(plan.steps.len(), ledger.done())?;
        let mut sight = Sight::new(&api);
        api.sign_in(&bar).await?;
        let mut player = Player { api: &api, bar, progress: &mut progress, ledger: &mut ledger, measured: &mut measured, sight: &mut sight };
    }
    todo!()
}
