//! Folding events one by one, as a rebuild does: those of one stream after the other, or those of
//! some rows.

use std::collections::BTreeSet;

use event_store::RecordedEvent;
use serde_json::Value;

use super::fold::{self, FoldError, Rows};
use super::lines::{self, Columns};
use super::projection::Projection;

/// Folds the events of one stream, and then of the next; or those of some rows across streams.
pub(crate) trait Collect: Send {
    /// Folds an event: as a whole, or not at all.
    fn add(&mut self, event: &RecordedEvent) -> Result<(), FoldError>;

    /// The rows so far. What comes next begins without any.
    fn take(&mut self) -> Result<Vec<Columns>, serde_json::Error>;
}

/// Makes a collector of the rows with these keys, given as JSON.
pub(crate) type CollectOnly = fn(Vec<Value>) -> Result<Box<dyn Collect>, serde_json::Error>;

struct Collector<P: Projection> {
    rows: Rows<P>,
    only: Option<BTreeSet<P::Key>>,
}

/// A collector of all rows of `P`.
pub(super) fn all<P: Projection>() -> Box<dyn Collect> {
    let (rows, only) = (Rows::<P>::new(), None);
    Box::new(Collector::<P> { rows, only })
}

/// A collector of the rows of `P` with these keys: [`CollectOnly`].
pub(super) fn only<P: Projection>(keys: Vec<Value>) -> Result<Box<dyn Collect>, serde_json::Error> {
    let keys = keys.into_iter().map(serde_json::from_value);
    let (rows, only) = (Rows::<P>::new(), Some(keys.collect::<Result<_, _>>()?));
    Ok(Box::new(Collector::<P> { rows, only }))
}

impl<P: Projection> Collect for Collector<P> {
    fn add(&mut self, event: &RecordedEvent) -> Result<(), FoldError> {
        let touched = fold::fold_one::<P>(event, &self.rows, self.only.as_ref())?;
        self.rows.extend(touched);
        Ok(())
    }

    fn take(&mut self) -> Result<Vec<Columns>, serde_json::Error> {
        let rows = std::mem::take(&mut self.rows).into_values().flatten();
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
