//! What a projector measures of its batches.

use std::time::Instant;

use chrono::{DateTime, Utc};
use event_store::relay::age;
use metrics::{counter, histogram};

use super::delivered::Delivered;
use super::projection::Registered;
use super::spans;

/// Begins what is counted at 0, so that the first time shows as a change.
pub(super) fn begin(projections: &[Registered]) {
    counter!("comptoir_projector_holes_filled_total").absolute(0);
    counter!("comptoir_projector_events_filled_total").absolute(0);
    counter!("comptoir_projector_batches_lost_total").absolute(0);
    counter!("comptoir_projector_careful_batches_total").absolute(0);
    for one in projections {
        counter!("comptoir_projector_parked_events_total", "projection" => one.name).absolute(0);
    }
}

/// What a transaction does, told when it is committed.
pub(super) struct Observed<'a> {
    began: Instant,
    /// When the oldest of the events was recorded that are new to some table.
    oldest: Option<DateTime<Utc>>,
    /// How many rows changed.
    changed: Vec<(&'static str, usize)>,
    /// The events of sampled traces, and the projections that took them.
    sampled: Vec<(&'static str, &'a Delivered)>,
}

impl<'a> Observed<'a> {
    /// A transaction begins.
    pub(super) fn begin() -> Self {
        Self {
            began: Instant::now(),
            oldest: None,
            changed: Vec::new(),
            sampled: Vec::new(),
        }
    }

    /// Events that are `new` to a projection were applied to its table, of which so many rows
    /// `changed`.
    pub(super) fn applied(
        &mut self,
        projection: &Registered,
        new: impl IntoIterator<Item = &'a Delivered>,
        changed: usize,
    ) {
        self.changed.push((projection.name, changed));
        for delivered in new {
            let recorded_at = delivered.event.recorded_at;
            self.oldest = Some(self.oldest.map_or(recorded_at, |at| at.min(recorded_at)));
            if spans::parent(delivered).is_some()
                && delivered.event.aggregate_type == projection.aggregate_type
            {
                self.sampled.push((projection.name, delivered));
            }
        }
    }

    /// It is committed, with so many events, new or not.
    pub(super) fn committed(self, events: usize) {
        for (projection, rows) in self.changed {
            let labels = [("projection", projection)];
            counter!("comptoir_projector_rows_changed_total", &labels).increment(rows as u64);
        }
        histogram!("comptoir_projector_batch_events").record(events as f64);
        histogram!("comptoir_projector_batch_duration_seconds").record(self.began.elapsed());
        if let Some(oldest) = self.oldest {
            histogram!("comptoir_projector_delay_seconds").record(age(oldest));
        }
        for (projection, delivered) in self.sampled {
            spans::applied(delivered, projection, self.began, events);
        }
    }
}
