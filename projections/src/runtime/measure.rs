//! What a projector measures of its batches.

use std::time::Instant;

use event_store::relay::age;
use metrics::{counter, histogram};

use super::delivered::Batch;
use super::projection::Registered;

/// Begins what is counted at 0, so that the first time shows as a change.
pub(super) fn begin(projections: &[Registered]) {
    counter!("comptoir_projector_holes_filled_total").absolute(0);
    counter!("comptoir_projector_events_filled_total").absolute(0);
    counter!("comptoir_projector_batches_lost_total").absolute(0);
    for one in projections {
        counter!("comptoir_projector_parked_events_total", "projection" => one.name).absolute(0);
    }
}

/// Rows of a table were changed, and committed.
pub(super) fn changed(projection: &'static str, rows: usize) {
    let counter = counter!("comptoir_projector_rows_changed_total", "projection" => projection);
    counter.increment(rows as u64);
}

/// A batch was committed, whose last `new` events were new to some table.
pub(super) fn committed(batch: Batch<'_>, new: usize, began: Instant) {
    let labels = [("context", batch.place.context.clone())];
    histogram!("comptoir_projector_batch_events", &labels).record(batch.events.len() as f64);
    histogram!("comptoir_projector_batch_duration_seconds", &labels).record(began.elapsed());
    let oldest = batch.events.len().checked_sub(new);
    if let Some(oldest) = oldest.and_then(|index| batch.events.get(index)) {
        let delay = age(oldest.event.recorded_at);
        histogram!("comptoir_projector_delay_seconds", &labels).record(delay);
    }
}
