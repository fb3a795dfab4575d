//! The progress bar; where stderr is no terminal, a line in the log every few percent.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::plan::Step;

const PERCENT_BETWEEN_LINES: usize = 5;

/// How far the play has got, for who watches it.
pub(super) struct Bar {
    bar: ProgressBar,
    total: usize,
    told: AtomicUsize,
    waiting: AtomicBool,
}

impl Bar {
    /// A bar of `total` steps of which `done` are done.
    pub(super) fn new(total: usize, done: usize) -> anyhow::Result<Self> {
        let style = "{wide_bar} {pos}/{len} ({percent} %)  {per_sec}  {eta} left  {msg}";
        let bar = ProgressBar::new(total as u64).with_style(ProgressStyle::with_template(style)?);
        bar.set_position(done as u64);
        bar.reset_eta();
        let bar = Self {
            bar,
            total,
            told: AtomicUsize::new(0),
            waiting: AtomicBool::new(false),
        };
        bar.told.store(bar.part(done), Ordering::Relaxed);
        Ok(bar)
    }

    /// The step was answered; `done` of them are done.
    pub(super) fn answered(&self, step: &Step, done: usize) {
        let day = step.time.date_naive();
        self.bar.set_message(day.to_string());
        self.bar.set_position(done as u64);
        let part = self.part(done);
        if self.bar.is_hidden() && part > self.told.swap(part, Ordering::Relaxed) {
            let percent = part * PERCENT_BETWEEN_LINES;
            tracing::info!(
                "demo: {percent} % played ({done} of {} steps), {day}",
                self.total
            );
        }
    }

    /// The server gives no answer now, and is asked again.
    pub(super) fn waiting(&self, why: &str) {
        let message = format!("waiting for the server: {why}");
        if !self.waiting.swap(true, Ordering::Relaxed) && self.bar.is_hidden() {
            tracing::warn!("demo: {message}");
        }
        self.bar.set_message(message);
    }

    /// The server answers again.
    pub(super) fn goes_on(&self) {
        if self.waiting.swap(false, Ordering::Relaxed) && self.bar.is_hidden() {
            tracing::info!("demo: the server answers again");
        }
    }

    /// Takes the bar away.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }

    fn part(&self, done: usize) -> usize {
        done * 100 / self.total.max(1) / PERCENT_BETWEEN_LINES
    }
}
