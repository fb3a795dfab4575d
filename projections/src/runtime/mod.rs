//! The runtime of all projections: it takes batches of one topic partition from a source, folds
//! them into rows, and writes rows and watermark in one transaction (law 6).

mod apply;
mod checkpoint;
pub(crate) mod collect;
mod first;
mod fold;
mod from_kafka;
mod from_log;
mod projection;
mod run;
mod slot;
mod standing;
mod tail;

pub use apply::ApplyError;
pub use fold::{FoldError, fold_events};
pub use from_kafka::KafkaOptions;
pub use projection::{Happened, Projection, Registered};
pub use run::{Error, Source, run, seen_by_read_tables};
pub use slot::{Slot, search_path};
pub use standing::{Standing, standing};

/// The channel that a commit of the projector notifies.
pub const READ: &str = "comptoir_read";

use event_store::{Position, RecordedEvent};
use uuid::Uuid;

/// An event as a source delivers it.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// The log that it comes from.
    pub epoch: Uuid,
    /// The position of the one before it in its topic partition; none when the source reads the
    /// log itself, which has no holes.
    pub previous: Option<Position>,
    /// Where to read on in Kafka after it; none when it did not come that way.
    pub next_offset: Option<i64>,
    /// The event.
    pub event: RecordedEvent,
}
