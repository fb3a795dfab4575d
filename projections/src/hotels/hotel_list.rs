//! `hotels`: a row a hotel; one that was deleted is marked so, since reservations still name it.

use chrono::{DateTime, Utc};
use domain::hotels::hotel::{Details, Event, Hotel, RoomType};
use domain::money::Currency;
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
    version: i64,
    owner: Uuid,
    name: String,
    city: String,
    time_zone: String,
    rating: u8,
    is_active: bool,
    room_types: Vec<RoomType>,
    overbooking_allowance: u32,
    price_amount: i64,
    price_currency: Currency,
    created_at: DateTime<Utc>,
    deleted: bool,
}

/// The projection.
pub struct Hotels;

impl Projection for Hotels {
    const TABLE: &'static str = "hotels";
    const VERSION: i32 = 1;
    type Of = Hotel;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, Hotel>) -> Vec<Key> {
        vec![Key {
            id: happened.recorded.aggregate_id,
        }]
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, Hotel>) -> Option<Row> {
        let version = happened.recorded.sequence;
        match &happened.event {
            Event::HotelCreated { owner, details } => {
                let created_at = happened.recorded.occurred_at;
                Some(filled(key.id, version, *owner, created_at, details))
            }
            Event::HotelChanged { details } => {
                let row = row?;
                Some(filled(key.id, version, row.owner, row.created_at, details))
            }
            Event::HotelDeleted {} => row.map(|row| Row {
                version,
                deleted: true,
                ..row
            }),
        }
    }
}

fn filled(
    id: Uuid,
    version: i64,
    owner: Uuid,
    created_at: DateTime<Utc>,
    details: &Details,
) -> Row {
    let price = details.price_per_night();
    Row {
        id,
        version,
        owner,
        name: details.name.clone(),
        city: details.city.clone(),
        time_zone: details.time_zone.name().to_owned(),
        rating: details.rating,
        is_active: details.is_active,
        room_types: details.room_types.clone(),
        overbooking_allowance: details.overbooking_allowance,
        price_amount: price.map_or(0, |price| price.amount),
        price_currency: price.map_or(Currency::EUR, |price| price.currency),
        created_at,
        deleted: false,
    }
}
