//! `counters`: a row a counter.

use projections::runtime::{Happened, Projection};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::counter::Counter;

/// The key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    id: Uuid,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    id: Uuid,
    count: i64,
}

/// The projection.
pub struct Counters;

impl Projection for Counters {
    const TABLE: &'static str = "counters";
    const VERSION: i32 = 1;
    type Of = Counter;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, Counter>) -> Vec<Key> {
        let id = happened.recorded.aggregate_id;
        vec![Key { id }]
    }

    fn apply(row: Option<Row>, key: &Key, _: &Happened<'_, Counter>) -> Option<Row> {
        let (id, count) = (key.id, row.map_or(1, |row| row.count + 1));
        Some(Row { id, count })
    }
}
