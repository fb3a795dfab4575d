//! Folding one stream after the other: what a rebuild does with the log.

use event_store::RecordedEvent;
use serde_json::Value;

use super::fold::{self, FoldError, Rows};
use super::lines::{self, Columns};
use super::projection::Projection;

/// Folds the events of one stream, and then of the next.
pub(crate) trait Collect: Send {
    /// Folds an event of the stream at hand: as a whole, or not at all.
    fn add(&mut self, event: &RecordedEvent) -> Result<(), FoldError>;

    /// The rows of the stream at hand, which ends.
    fn take(&mut self) -> Result<Vec<Columns>, serde_json::Error>;
}

struct Collector<P: Projection>(Rows<P>);

/// A collector of `P`.
pub(super) fn boxed<P: Projection>() -> Box<dyn Collect> {
    Box::new(Collector::<P>(Rows::<P>::new()))
}

impl<P: Projection> Collect for Collector<P> {
    fn add(&mut self, event: &RecordedEvent) -> Result<(), FoldError> {
        let touched = fold::fold_one::<P>(event, &self.0)?;
        self.0.extend(touched);
        Ok(())
    }

    fn take(&mut self) -> Result<Vec<Columns>, serde_json::Error> {
        let rows = std::mem::take(&mut self.0).into_values().flatten();
        rows.map(lines::columns).collect()
    }
}

/// The keys of the rows that `event` touches, as JSON.
pub(super) fn keys<P: Projection>(event: &RecordedEvent) -> Result<Vec<Value>, FoldError> {
    let keys = fold::keys_of::<P>(event)?.into_iter();
    Ok(keys
        .filter_map(|key| serde_json::to_value(key).ok())
        .collect())
}

/// The key in a row of the table, given as JSON.
pub(super) fn key_of<P: Projection>(row: &str) -> Result<Value, serde_json::Error> {
    let key: P::Key = serde_json::from_str(row)?;
    serde_json::to_value(key)
}
