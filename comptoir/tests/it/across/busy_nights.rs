//! `busy_nights`: a row a night, over all hotels. Each is touched by many streams.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::NaiveDate;
use domain::hotels::inventory::{Event, RoomInventory};
use event_store::RecordedEvent;
use projections::runtime::{Happened, Projection, Registered};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub const TABLE: &str = "CREATE TABLE read.busy_nights (
    night          date   PRIMARY KEY,
    reserved       bigint NOT NULL,
    revenue        bigint NOT NULL,
    last_inventory uuid   NOT NULL,
    last_position  bigint NOT NULL)";

/// Streams that the projection can't stand, from which of their events on.
static REFUSED: Mutex<BTreeMap<Uuid, i64>> = Mutex::new(BTreeMap::new());

fn refused() -> MutexGuard<'static, BTreeMap<Uuid, i64>> {
    REFUSED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on the projection can't stand the events of `stream` from this one on.
pub fn refuse(stream: Uuid, from: i64) {
    refused().insert(stream, from);
}

/// Now it can again.
pub fn accept(stream: Uuid) {
    refused().remove(&stream);
}

fn is_refused(event: &RecordedEvent) -> bool {
    let from = refused().get(&event.aggregate_id).copied();
    from.is_some_and(|from| event.sequence >= from)
}

pub fn busy_nights() -> Registered {
    Registered::of::<BusyNights<true>>(domain::hotels::CONTEXT)
}

/// The same, by a fold that takes the event that comes last for the latest one.
pub fn in_order_of_arrival() -> Registered {
    Registered::of::<BusyNights<false>>(domain::hotels::CONTEXT)
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    night: NaiveDate,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    night: NaiveDate,
    reserved: i64,
    revenue: i64,
    /// Whose rooms were reserved or released last, and where the log has that.
    last_inventory: Uuid,
    last_position: i64,
}

/// The projection; it commutes or does not.
pub struct BusyNights<const COMMUTES: bool>;

impl<const COMMUTES: bool> Projection for BusyNights<COMMUTES> {
    const TABLE: &'static str = "busy_nights";
    const VERSION: i32 = 1;
    const ACROSS_STREAMS: bool = true;
    type Of = RoomInventory;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, RoomInventory>) -> Vec<Key> {
        let (Event::RoomsReserved(allocation) | Event::RoomsReleased(allocation)) = &happened.event
        else {
            return vec![];
        };
        let nights = allocation.stay.nights();
        nights.map(|night| Key { night }).collect()
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, RoomInventory>) -> Option<Row> {
        let (allocation, rooms) = match &happened.event {
            Event::RoomsReserved(taken) => (taken, i64::from(taken.rooms)),
            Event::RoomsReleased(given) => (given, -i64::from(given.rooms)),
            _ => return row,
        };
        let (inventory, position) = (happened.recorded.aggregate_id, happened.recorded.position);
        // After its first night, where it has several.
        let is_last = allocation.stay.nights().last() == Some(key.night);
        assert!(!is_last || !is_refused(happened.recorded), "no such rooms");
        let mut row = row.unwrap_or(Row {
            night: key.night,
            reserved: 0,
            revenue: 0,
            last_inventory: inventory,
            last_position: position,
        });
        row.reserved += rooms;
        row.revenue += rooms * allocation.price_per_night.amount;
        if !COMMUTES || position >= row.last_position {
            (row.last_inventory, row.last_position) = (inventory, position);
        }
        Some(row)
    }
}
