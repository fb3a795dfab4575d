//! The runtime of all projections: it takes batches of one topic partition from a source, folds
//! them into rows, and writes rows and watermark in one transaction (law 6).

mod apply;
pub(crate) mod batch;
pub(crate) mod checkpoint;
mod claims;
pub(crate) mod collect;
pub(crate) mod delivered;
mod dispatch;
mod express;
mod first;
mod fold;
mod from_kafka;
mod from_log;
mod holes;
mod isolate;
mod lag;
pub(crate) mod lines;
mod measure;
mod moved;
pub(crate) mod open;
pub(crate) mod park;
pub mod parked;
mod projection;
mod retry;
mod row_locks;
mod run;
mod session;
mod slot;
mod spans;
mod standing;
mod table;
mod tail;

pub use apply::{Applied, ApplyError, Failed};
pub use event_store::Happened;
pub use fold::{FoldError, fold_events};
pub use from_kafka::KafkaOptions;
pub use lag::{Lag, lags};
pub use moved::Moved;
pub use projection::{Projection, Registered, names_and_versions};
pub use run::{Error, Source, run, seen_by_read_tables};
pub use slot::{Slot, search_path};
pub use standing::{Standing, standing};

/// The channel that a commit of the projector notifies.
pub const READ: &str = "comptoir_read";
