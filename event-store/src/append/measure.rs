//! What the writer measures.

use metrics::{counter, gauge, histogram};

use super::batch::Batch;
use super::queue::MOST_WAITING;

/// Begins what is counted at 0, so that the first time shows as a change.
pub(super) fn begin() {
    counter!("comptoir_append_busy_total").absolute(0);
    counter!("comptoir_append_refused_batches_total").absolute(0);
    counter!("comptoir_snapshots_written_total").absolute(0);
    gauge!("comptoir_append_waiting_commands_limit").set(MOST_WAITING as f64);
}

/// So many commands wait.
pub(super) fn waiting(commands: usize) {
    gauge!("comptoir_append_waiting_commands").set(commands as f64);
}

/// A command was told to come later.
pub(super) fn busy() {
    counter!("comptoir_append_busy_total").increment(1);
}

/// The database refused a batch.
pub(super) fn refused() {
    counter!("comptoir_append_refused_batches_total").increment(1);
}

/// A batch was committed.
pub(super) fn committed(batch: &Batch) {
    counter!("comptoir_append_batches_total").increment(1);
    counter!("comptoir_append_events_total").increment(batch.events() as u64);
    histogram!("comptoir_append_batch_commands").record(batch.commands.len() as f64);
    histogram!("comptoir_append_batch_events").record(batch.events() as f64);
    histogram!("comptoir_append_batch_duration_seconds").record(batch.begun.elapsed());
}
