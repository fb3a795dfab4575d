//! How far a rebuild has got, for who watches it.

use std::sync::Arc;

use tokio::sync::watch;

/// What a rebuild is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::Display, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Step {
    /// Folds the log into the shadow; counts events.
    Filling,
    /// Makes the shadow's indexes.
    Indexing,
    /// Folds what was appended meanwhile; counts positions.
    Following,
    /// Compares it with the live table; counts rows.
    Comparing,
    /// Looks for the events behind differences; counts events.
    Explaining,
    /// Takes the live table's place.
    Swapping,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Progress {
    /// What it is doing.
    pub step: Step,
    /// How much of that is done.
    pub done: u64,
    /// How much there is, as far as is known.
    pub total: u64,
}

impl Progress {
    /// A rebuild's way to tell of its progress, and who watches it.
    pub fn channel() -> (watch::Sender<Self>, watch::Receiver<Self>) {
        watch::channel(Self {
            step: Step::Filling,
            done: 0,
            total: 0,
        })
    }
}

/// Tells of progress.
#[derive(Clone)]
pub(super) struct Teller(Arc<watch::Sender<Progress>>);

impl Teller {
    pub(super) fn new(sender: watch::Sender<Progress>) -> Self {
        Self(Arc::new(sender))
    }

    /// Begins a step.
    pub(super) fn begin(&self, step: Step, total: u64) {
        let done = 0;
        self.0.send_replace(Progress { step, done, total });
    }

    /// So much more is done.
    pub(super) fn advance(&self, count: u64) {
        self.0.send_modify(|progress| progress.done += count);
    }
}
