//! What came of the play: counts, speed, and how soon queries saw it.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

use super::ledger::Ledger;
use super::numbers::percentile;
use super::outcome::Outcome;
use super::plan::{Plan, Verb};

/// What was measured, over all sittings of the play.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) commands: u64,
    pub(super) micros: u64,
    pub(super) lags: Vec<u64>,
    pub(super) never_seen: usize,
}

/// What came of the play.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The hotel that was played in.
    pub hotel: Option<Uuid>,
    /// Where it was played.
    pub url: String,
    /// What became of the steps.
    pub tallies: Vec<Tally>,
    /// Commands that were answered.
    pub commands: u64,
    /// How long that took, in seconds, pauses between sittings left out.
    pub seconds: f64,
    /// How soon queries saw what was booked.
    pub lag: Lag,
}

/// What became of the steps of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tally {
    /// What they did.
    pub verb: Verb,
    /// What became of them.
    pub outcome: Outcome,
    /// How many.
    pub count: usize,
}

/// Milliseconds from the answer of a booking to a query that shows it, for a sample of bookings.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Lag {
    /// How many were watched.
    pub sample: usize,
    /// Half of them were faster.
    pub p50_ms: f64,
    /// 99 of 100 were faster.
    pub p99_ms: f64,
    /// How many no query showed within 30 s.
    pub never_seen: usize,
}

impl Report {
    pub(super) fn of(plan: &Plan, ledger: &Ledger<'_>, measured: Measured, url: &str) -> Self {
        let mut counts: BTreeMap<(usize, Outcome), usize> = BTreeMap::new();
        for (step, outcome) in plan.steps.iter().zip(ledger.outcomes()) {
            let place = Verb::ALL.iter().position(|verb| *verb == step.verb);
            let key = (place.unwrap_or(0), outcome.clone());
            *counts.entry(key).or_default() += 1;
        }
        let tallies = counts.into_iter().map(|((place, outcome), count)| Tally {
            verb: Verb::ALL[place],
            outcome,
            count,
        });
        let millis = |percent| {
            let micros = percentile(measured.lags.clone(), percent).unwrap_or(0);
            micros as f64 / 1_000.0
        };
        Self {
            hotel: ledger.hotel(),
            url: url.to_owned(),
            tallies: tallies.collect(),
            commands: measured.commands,
            seconds: measured.micros as f64 / 1_000_000.0,
            lag: Lag {
                sample: measured.lags.len(),
                p50_ms: millis(50),
                p99_ms: millis(99),
                never_seen: measured.never_seen,
            },
        }
    }

    /// How many steps came to this.
    pub fn count(&self, verb: Verb, outcome: &Outcome) -> usize {
        let mut tallies = self.tallies.iter();
        let found = tallies.find(|tally| tally.verb == verb && tally.outcome == *outcome);
        found.map_or(0, |tally| tally.count)
    }
}
