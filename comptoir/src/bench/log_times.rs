//! One log in one run of `growth`: what is asked of it, and how long that took.

use std::time::Instant;

use super::callers::Until;
use super::fill::Filled;
use super::numbers::quantile_ms;
use super::ours::Ours;
use super::writers::append;

/// Microseconds, a value a run.
#[derive(Default)]
pub(super) struct Times {
    pub(super) append: Vec<f64>,
    pub(super) load: Vec<f64>,
    pub(super) query: Vec<f64>,
}

/// One of the two logs in one run.
pub(super) struct Side<'a> {
    filled: &'a Filled,
    ours: Ours,
    appended: usize,
    seconds: f64,
    loads: Vec<u32>,
    queries: Vec<u32>,
}

impl<'a> Side<'a> {
    /// A log that was just opened, so that no state is cached.
    pub(super) fn new(filled: &'a Filled, ours: Ours) -> Self {
        Self {
            filled,
            ours,
            appended: 0,
            seconds: 0.0,
            loads: Vec::new(),
            queries: Vec::new(),
        }
    }

    /// Lets so many callers append so much each.
    pub(super) async fn append(&mut self, callers: u64, each: u64) -> anyhow::Result<()> {
        let load = append(&self.ours, callers, Until::Calls(each)).await?;
        self.appended += load.done();
        self.seconds += load.seconds();
        Ok(())
    }

    /// Loads a stream, and asks for a reservation by its key.
    pub(super) async fn look(&mut self, lot: u64) -> anyhow::Result<()> {
        let id = self.filled.drawn(lot);
        let begun = Instant::now();
        self.ours.load(id).await?;
        self.loads.push(micros(begun));
        let begun = Instant::now();
        let query = sqlx::query("SELECT * FROM read.reservations WHERE id = $1").bind(id);
        query.fetch_one(self.ours.pool()).await?;
        self.queries.push(micros(begun));
        Ok(())
    }

    /// Forgets what was appended so far: it was to warm up.
    pub(super) fn begin(&mut self) {
        (self.appended, self.seconds) = (0, 0.0);
    }

    /// Adds what this run found.
    pub(super) fn into_times(mut self, times: &mut Times) {
        times.append.push(self.seconds * 1e6 / self.appended as f64);
        let p50 = |micros: &mut Vec<u32>| quantile_ms(micros, 50) * 1_000.0;
        times.load.push(p50(&mut self.loads));
        times.query.push(p50(&mut self.queries));
        self.ours.close();
    }
}

fn micros(begun: Instant) -> u32 {
    u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX)
}
