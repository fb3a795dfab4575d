//! What a projection says: whose events it takes, which rows they touch, and how.

use domain::decider::Decider;
use event_store::{Happened, RecordedEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::apply::{self, Begin};
use super::collect::{self, Collect};
use super::fold::FoldError;

/// One read table. Its rows and keys are plain structs whose fields are the table's columns.
///
/// Every row belongs to one stream: its key comes from events of that stream only. So the events
/// of a row stand in one topic partition, in order.
pub trait Projection: 'static {
    /// The table, which is also the projection's name.
    const TABLE: &'static str;
    /// Raised when the rows mean something else than before.
    const VERSION: i32;
    /// Whose events it takes.
    type Of: Decider;
    /// The columns of the primary key.
    type Key: Serialize + DeserializeOwned + Ord + Clone + Send + Sync;
    /// All columns.
    type Row: Serialize + DeserializeOwned + Clone + PartialEq + Send + Sync;

    /// The rows that an event touches.
    fn keys(happened: &Happened<'_, Self::Of>) -> Vec<Self::Key>;

    /// The row after an event; none when there is no such row, before or after.
    fn apply(
        row: Option<Self::Row>,
        key: &Self::Key,
        happened: &Happened<'_, Self::Of>,
    ) -> Option<Self::Row>;
}

/// A projection whose types are erased, as the runtime holds it.
#[derive(Debug, Clone, Copy)]
pub struct Registered {
    /// [`Projection::TABLE`].
    pub name: &'static str,
    /// [`Projection::VERSION`].
    pub version: i32,
    /// The context whose topic it reads.
    pub context: &'static str,
    /// Whose events it takes.
    pub aggregate_type: &'static str,
    pub(crate) begin: Begin,
    pub(crate) collect: fn() -> Box<dyn Collect>,
    pub(crate) keys: fn(&RecordedEvent) -> Result<Vec<Value>, FoldError>,
    pub(crate) key_of: fn(&str) -> Result<Value, serde_json::Error>,
}

impl Registered {
    /// Registers `P` for the topic of `context`.
    pub fn of<P: Projection>(context: &'static str) -> Self {
        Self {
            name: P::TABLE,
            version: P::VERSION,
            context,
            aggregate_type: P::Of::TYPE,
            begin: apply::begin::<P>,
            collect: collect::boxed::<P>,
            keys: collect::keys::<P>,
            key_of: collect::key_of::<P>,
        }
    }
}

/// The names and the versions of projections, as statements take them.
pub fn names_and_versions<'a>(
    projections: impl IntoIterator<Item = &'a Registered>,
) -> (Vec<&'static str>, Vec<i32>) {
    let pair = |one: &Registered| (one.name, one.version);
    projections.into_iter().map(pair).unzip()
}
