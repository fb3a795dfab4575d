//! A read table of hotels' names, two rows a hotel, that some names are poison to.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use comptoir::contexts::Contexts;
use domain::hotels::hotel::{Event, Hotel};
use projections::runtime::{Happened, Projection, Registered};
use serde::{Deserialize, Serialize};
use sqlx::{Executor, PgPool};
use uuid::Uuid;

const TABLE: &str = "CREATE TABLE read.names (
    id uuid, side smallint, name text CHECK (name <> 'refused'), changes smallint,
    PRIMARY KEY (id, side))";

/// What the projection can't stand, and what an operator is told then.
pub const POISON: [(&str, &str); 4] = [
    (
        "panic",
        "its fold failed: the projection panicked: no such name",
    ),
    ("overflow", "SQLSTATE 22003"),
    ("refused", "SQLSTATE 23514"),
    ("broken", "SQLSTATE 22P05"),
];

/// Hotels whose names are no poison any more.
static CURED: Mutex<BTreeSet<Uuid>> = Mutex::new(BTreeSet::new());

/// From now on the projection stands whatever the name of `hotel` is; or no more.
pub fn cure(hotel: Uuid, cured: bool) {
    let mut all = CURED.lock().unwrap_or_else(PoisonError::into_inner);
    match cured {
        true => all.insert(hotel),
        false => all.remove(&hotel),
    };
}

fn is_cured(hotel: Uuid) -> bool {
    let all = CURED.lock().unwrap_or_else(PoisonError::into_inner);
    all.contains(&hotel)
}

/// All contexts, and this table.
pub fn with_names() -> Contexts {
    let mut contexts = Contexts::all();
    let names = Registered::of::<Names>(domain::hotels::CONTEXT);
    contexts.projections.push(names);
    contexts
}

pub async fn make_table(read: &PgPool) {
    read.execute(TABLE).await.unwrap();
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    id: Uuid,
    side: i16,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    id: Uuid,
    side: i16,
    name: String,
    changes: i64,
}

pub struct Names;

impl Projection for Names {
    const TABLE: &'static str = "names";
    const VERSION: i32 = 1;
    type Of = Hotel;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, Hotel>) -> Vec<Key> {
        let id = happened.recorded.aggregate_id;
        vec![Key { id, side: 0 }, Key { id, side: 1 }]
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, Hotel>) -> Option<Row> {
        let (Event::HotelCreated { details, .. } | Event::HotelChanged { details }) =
            &happened.event
        else {
            return row;
        };
        let Key { id, side } = key.clone();
        let mut name = details.name.clone();
        let mut changes = row.as_ref().map_or(0, |row| row.changes + 1);
        match is_cured(id) {
            true if name == "refused" => name.push_str(", once"),
            true => {}
            // After the first of its two rows has changed.
            false if side == 1 && name == "panic" => panic!("no such name"),
            false if side == 1 && name == "overflow" => changes += 100_000,
            false if side == 1 && name == "broken" => name.push('\0'),
            false => {
                // What no row may be, it stays.
                let stays = |name: &String| name == "refused" || name.ends_with('\0');
                let old = row.map(|row| row.name).filter(stays);
                name = old.unwrap_or(name);
            }
        }
        Some(Row {
            id,
            side,
            name,
            changes,
        })
    }
}
