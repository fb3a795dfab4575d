//! `nights`: a row a room type and night that has any room reserved: occupancy and revenue.

use chrono::NaiveDate;
use domain::hotels::inventory::{Allocation, Event, RoomInventory};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::runtime::{Happened, Projection};

/// The key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    inventory_id: Uuid,
    night: NaiveDate,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Whose rooms.
    pub inventory_id: Uuid,
    /// The night.
    pub night: NaiveDate,
    /// How many are reserved.
    pub reserved: u32,
    /// What they bring, in minor units.
    pub revenue: i64,
}

/// The projection.
pub struct Nights;

impl Projection for Nights {
    const TABLE: &'static str = "nights";
    const VERSION: i32 = 1;
    type Of = RoomInventory;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, RoomInventory>) -> Vec<Key> {
        let (Event::RoomsReserved(allocation) | Event::RoomsReleased(allocation)) = &happened.event
        else {
            return vec![];
        };
        let inventory_id = happened.recorded.aggregate_id;
        allocation
            .stay
            .nights()
            .map(|night| Key {
                inventory_id,
                night,
            })
            .collect()
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, RoomInventory>) -> Option<Row> {
        let mut row = row.unwrap_or(Row {
            inventory_id: key.inventory_id,
            night: key.night,
            reserved: 0,
            revenue: 0,
        });
        match &happened.event {
            Event::RoomsReserved(taken) => {
                row.reserved += taken.rooms;
                row.revenue += revenue(taken);
            }
            Event::RoomsReleased(given) => {
                row.reserved = row.reserved.saturating_sub(given.rooms);
                row.revenue -= revenue(given);
            }
            _ => {}
        }
        (row.reserved > 0).then_some(row)
    }
}

/// What the rooms bring for one night.
fn revenue(allocation: &Allocation) -> i64 {
    allocation.price_per_night.amount * i64::from(allocation.rooms)
}
