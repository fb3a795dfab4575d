//! `room_inventories`: a row a room type of a hotel, with how many rooms there are.

use domain::hotels::inventory::{Event, RoomInventory};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::runtime::{Happened, Projection};

/// The key of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    inventory_id: Uuid,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    inventory_id: Uuid,
    hotel_id: Uuid,
    room_type: String,
    count: u32,
    overbooking_allowance: u32,
    open: bool,
}

/// The projection.
pub struct RoomInventories;

impl Projection for RoomInventories {
    const TABLE: &'static str = "room_inventories";
    const VERSION: i32 = 1;
    type Of = RoomInventory;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, RoomInventory>) -> Vec<Key> {
        match happened.event {
            Event::RoomsReserved(_) | Event::RoomsReleased(_) => vec![],
            _ => vec![Key {
                inventory_id: happened.recorded.aggregate_id,
            }],
        }
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, RoomInventory>) -> Option<Row> {
        match &happened.event {
            Event::InventoryOpened {
                hotel_id,
                room_type,
                count,
                overbooking_allowance,
            } => Some(Row {
                inventory_id: key.inventory_id,
                hotel_id: *hotel_id,
                room_type: room_type.clone(),
                count: *count,
                overbooking_allowance: *overbooking_allowance,
                open: true,
            }),
            Event::InventoryResized {
                count,
                overbooking_allowance,
            } => row.map(|row| Row {
                count: *count,
                overbooking_allowance: *overbooking_allowance,
                ..row
            }),
            Event::InventoryClosed {} => row.map(|row| Row { open: false, ..row }),
            Event::RoomsReserved(_) | Event::RoomsReleased(_) => row,
        }
    }
}
