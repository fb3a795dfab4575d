//! What a projection says: whose events it takes, which rows they touch, and how.

use domain::decider::Decider;
use event_store::{Happened, RecordedEvent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::apply::{self, Begin};
use super::collect::{self, Collect, CollectOnly};
use super::fold::FoldError;

/// One read table. Its rows and keys are plain structs whose fields are the table's columns.
///
/// A row belongs to one stream, whose events come in order; or it says that rows go
/// [across streams](Self::ACROSS_STREAMS).
pub trait Projection: 'static {
    /// The table, which is also the projection's name.
    const TABLE: &'static str;
    /// Raised when the rows mean something else than before.
    const VERSION: i32;
    /// Whether events of several streams touch one row. What order such events come in is then open,
    /// but for those of one stream, and the order must make no difference to the row: the fold
    /// commutes across streams. Where one event rules out another, as the latest does, the row has a
    /// column that tells whose position is the higher one; a row that must remember it is not
    /// removed. An event must not fail for what other streams have, or have not, done to the row.
    ///
    /// Batches of different partitions take turns at such rows, and a rebuild folds the log in its
    /// order, by one worker. Where it is not needed it costs.
    const ACROSS_STREAMS: bool = false;
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
    /// [`Projection::ACROSS_STREAMS`].
    pub across_streams: bool,
    /// The keys of the rows that an event touches, as JSON.
    pub keys: fn(&RecordedEvent) -> Result<Vec<Value>, FoldError>,
    pub(crate) begin: Begin,
    pub(crate) collect: fn() -> Box<dyn Collect>,
    pub(crate) collect_only: CollectOnly,
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
            across_streams: P::ACROSS_STREAMS,
            keys: collect::keys::<P>,
            begin: apply::begin::<P>,
            collect: collect::all::<P>,
            collect_only: collect::only::<P>,
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
