//! `profiles`: a row an account that told something of itself.

use domain::identity::account::{Account, Event};
use domain::personal::Personal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::runtime::{Happened, Projection};

/// The key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    id: Uuid,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    id: Uuid,
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    gender: Option<String>,
    bio: Option<String>,
}

/// The projection.
pub struct Profiles;

impl Projection for Profiles {
    const TABLE: &'static str = "profiles";
    const VERSION: i32 = 1;
    type Of = Account;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, Account>) -> Vec<Key> {
        match happened.event {
            Event::ProfileChanged(_) => vec![Key {
                id: happened.recorded.aggregate_id,
            }],
            _ => vec![],
        }
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, Account>) -> Option<Row> {
        let Event::ProfileChanged(told) = &happened.event else {
            return row;
        };
        let text = |told: &Option<Personal<String>>| told.clone()?.value;
        Some(Row {
            id: key.id,
            first_name: text(&told.first_name),
            last_name: text(&told.last_name),
            phone: text(&told.phone),
            address: text(&told.address),
            gender: text(&told.gender),
            bio: text(&told.bio),
        })
    }
}
