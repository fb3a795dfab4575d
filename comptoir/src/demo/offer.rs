//! The hotel that the reservations are made in: its room types are reckoned from the rows.

use std::collections::BTreeMap;

use serde::Serialize;

use super::numbers::{largest_usual, median};
use super::plan::Step;
use super::reckon::{Rooms, reckon};
use super::rows::Row;

/// How many of the rooms that were ever wanted for one night there are, in percent: few enough
/// that some bookings are refused. The tests tell how many.
const SHARE_OF_PEAK: u32 = 75;
const OVERBOOKING_ALLOWANCE: u32 = 2;

/// The hotel, as the body of its creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hotel {
    /// Its name.
    pub name: &'static str,
    /// Where it is.
    pub city: &'static str,
    /// Whose calendar its dates are.
    pub time_zone: &'static str,
    /// Its stars.
    pub rating: u8,
    /// Whether it takes reservations.
    pub is_active: bool,
    /// One for each room type that was ever asked for, by its letter.
    pub room_types: Vec<RoomType>,
    /// How many rooms of a type more than there are may be reserved.
    pub overbooking_allowance: u32,
}

/// A room type that it offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoomType {
    /// The letter of the rows.
    pub code: String,
    /// Its name for guests.
    pub name: String,
    /// How many guests a room takes: the most that came, but for the top hundredth.
    pub capacity: u32,
    /// How many rooms there are.
    pub count: u32,
    /// The median of what was paid.
    pub price_per_night: Price,
}

/// A price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Price {
    /// In cents.
    pub amount: i64,
    /// The euro.
    pub currency: &'static str,
}

impl Hotel {
    /// The hotel for these rows, whose steps are known.
    pub(super) fn of(rows: &[Row], steps: &[Step]) -> Self {
        let peaks = reckon(rows, steps, |_| Some(Rooms::ENDLESS)).peaks;
        let mut by_type: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in rows {
            by_type.entry(&row.room_type).or_default().push(row);
        }
        let room_types = by_type.into_iter().map(|(code, rows)| {
            let peak = peaks.get(code).copied().unwrap_or(0);
            room_type(code, &rows, peak)
        });
        Self {
            name: "Resort Hotel",
            city: "Algarve",
            time_zone: "Europe/Lisbon",
            rating: 4,
            is_active: true,
            room_types: room_types.collect(),
            overbooking_allowance: OVERBOOKING_ALLOWANCE,
        }
    }

    /// The rooms of a type; none of a type that it does not offer.
    pub fn rooms(&self, code: &str) -> Option<Rooms> {
        let offered = self
            .room_types
            .iter()
            .find(|offered| offered.code == code)?;
        Some(Rooms {
            capacity: offered.capacity,
            bookable: offered.count + self.overbooking_allowance,
        })
    }
}

fn room_type(code: &str, rows: &[&Row], peak: u32) -> RoomType {
    let guests = rows.iter().map(|row| row.guests()).collect();
    let prices = rows.iter().map(|row| row.price).collect();
    RoomType {
        code: code.to_owned(),
        name: format!("Room {code}"),
        capacity: largest_usual(guests).max(1),
        count: (peak * SHARE_OF_PEAK / 100).max(1),
        price_per_night: Price {
            amount: median(prices),
            currency: "EUR",
        },
    }
}
