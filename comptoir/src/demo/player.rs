//! Plays a plan: one step after the other, each answered and remembered before the next.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};

use super::Options;
use super::api::Api;
use super::bar::Bar;
use super::ledger::Ledger;
use super::outcome::Outcome;
use super::plan::{Plan, Verb};
use super::progress::{Line, Progress};
use super::report::{Measured, Report};
use super::request::request;
use super::sight::Sight;

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
    for line in &past.lines {
        ended |= recall(&mut ledger, &mut measured, line)
            .with_context(|| format!("{} is damaged", options.progress.display()))?;
    }
    if ended {
        tracing::info!("demo: it was played to its end before; this is what came of it");
    } else {
        let bar = Bar::new(plan.steps.len(), ledger.done())?;
        api.sign_in(&bar).await?;
        let mut sight = Sight::new(&api);
        let mut last = Instant::now();
        while let Some((index, step)) = ledger.due() {
            let (hotel, reservation) = (ledger.hotel(), ledger.id(step));
            let request = request(plan, past.run, step, hotel, reservation)?;
            let asked = api.decide(&request, &bar).await;
            let answer = asked.with_context(|| {
                let (verb, row, path) = (step.verb, step.row, &request.path);
                format!("the demo stopped at step {index}, {verb} of row {row}: POST {path}")
            })?;
            if let (Verb::Open, Outcome::Refused(code)) = (step.verb, &answer.outcome) {
                bail!("the demo stopped: the server refuses the hotel ({code})");
            }
            sight.watch(step, &answer);
            let answered = Line::Answered {
                step: index,
                outcome: answer.outcome,
                id: answer.id,
                micros: micros_since(&mut last),
            };
            remember(&mut progress, &mut ledger, &mut measured, &answered)?;
            if let Some(learnt) = sight.learnt() {
                remember(&mut progress, &mut ledger, &mut measured, &seen(learnt))?;
            }
            bar.answered(step, ledger.done());
        }
        if let Some(learnt) = sight.last().await {
            remember(&mut progress, &mut ledger, &mut measured, &seen(learnt))?;
        }
        let end = Line::Ended { ended: true };
        remember(&mut progress, &mut ledger, &mut measured, &end)?;
        progress.sync()?;
        bar.clear();
    }
    Ok(Report::of(plan, &ledger, measured, api.base()))
}

fn seen(visible_after_micros: Option<u64>) -> Line {
    Line::Seen {
        visible_after_micros,
    }
}

fn micros_since(last: &mut Instant) -> u64 {
    let now = Instant::now();
    let micros = (now - *last).as_micros();
    *last = now;
    u64::try_from(micros).unwrap_or(u64::MAX)
}

fn remember(
    progress: &mut Progress,
    ledger: &mut Ledger<'_>,
    measured: &mut Measured,
    line: &Line,
) -> anyhow::Result<()> {
    progress.write(line)?;
    recall(ledger, measured, line)?;
    Ok(())
}

/// Takes a line into account; says whether it is the end.
fn recall(ledger: &mut Ledger<'_>, measured: &mut Measured, line: &Line) -> anyhow::Result<bool> {
    match line {
        Line::Began { .. } => bail!("it begins twice"),
        Line::Answered {
            step,
            outcome,
            id,
            micros,
        } => {
            ledger.note(*step, outcome.clone(), *id)?;
            measured.commands += 1;
            measured.micros += micros;
        }
        Line::Seen {
            visible_after_micros: Some(micros),
        } => measured.lags.push(*micros),
        Line::Seen {
            visible_after_micros: None,
        } => measured.never_seen += 1,
        Line::Ended { ended } => return Ok(*ended),
    }
    Ok(false)
}
