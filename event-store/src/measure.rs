//! What the log and its relay measure, in words.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Describes every metric of this crate to whoever collects metrics.
pub fn describe() {
    describe_counter!(
        "comptoir_append_batches_total",
        "Batches committed to the log."
    );
    describe_counter!(
        "comptoir_append_events_total",
        "Events committed to the log."
    );
    describe_counter!(
        "comptoir_append_refused_batches_total",
        "Batches decided again: another process wrote first, or the database refused."
    );
    describe_counter!(
        "comptoir_append_busy_total",
        "Commands refused since too many wait."
    );
    describe_gauge!(
        "comptoir_append_waiting_commands",
        "Commands that wait for their commit."
    );
    describe_gauge!(
        "comptoir_append_waiting_commands_limit",
        "Commands that may wait; one more is refused."
    );
    describe_histogram!(
        "comptoir_append_batch_commands",
        "Commands of a batch that was committed."
    );
    describe_histogram!(
        "comptoir_append_batch_events",
        "Events of a batch that was committed."
    );
    describe_histogram!(
        "comptoir_append_batch_duration_seconds",
        Unit::Seconds,
        "How long a batch took from its first command to its commit."
    );
    describe_counter!(
        "comptoir_snapshots_written_total",
        "Snapshots of long streams that were written."
    );
    describe_gauge!(
        "comptoir_log_position",
        "The position of the last event of the log."
    );
    describe_gauge!("comptoir_tree_size", "Leaves of the tree over the log.");
    describe_gauge!(
        "comptoir_checkpoint_size",
        "Leaves of the tree that the last checkpoint is of."
    );
    describe_gauge!(
        "comptoir_tree_refused",
        "1 while nothing is signed since the log or its tree speaks against itself, else 0."
    );
    describe_counter!(
        "comptoir_relay_messages_total",
        "Messages that Kafka has acknowledged."
    );
    describe_gauge!(
        "comptoir_relay_leads",
        "1 while this process leads the relay, else 0."
    );
    describe_gauge!(
        "comptoir_relay_position",
        "The position up to which Kafka has acknowledged the log."
    );
    describe_gauge!(
        "comptoir_relay_lag_events",
        "Events of the log that Kafka has not acknowledged."
    );
    describe_gauge!(
        "comptoir_relay_lag_seconds",
        Unit::Seconds,
        "Age of the oldest of them; 0 when there is none."
    );
    describe_histogram!(
        "comptoir_relay_delay_seconds",
        Unit::Seconds,
        "From the recording of a page's oldest event to Kafka's acknowledgement of all of the page."
    );
    describe_histogram!(
        "comptoir_relay_page_events",
        "Events that were sent to Kafka together."
    );
}
