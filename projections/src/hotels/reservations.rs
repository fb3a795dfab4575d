//! `reservations`: a row a reservation.

use chrono::{DateTime, NaiveDate, Utc};
use domain::hotels::reservation::{Event, Reservation, Status, Terms};
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
    hotel_id: Uuid,
    booked_by: Uuid,
    status: Status,
    room_type: String,
    check_in: NaiveDate,
    check_out: NaiveDate,
    rooms: u32,
    adults: u32,
    children: u32,
    price_amount: i64,
    total_amount: i64,
    currency: Currency,
    booked_at: DateTime<Utc>,
    checked_in_on: Option<NaiveDate>,
    checked_out_on: Option<NaiveDate>,
}

/// The projection.
pub struct Reservations;

impl Projection for Reservations {
    const TABLE: &'static str = "reservations";
    const VERSION: i32 = 1;
    type Of = Reservation;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, Reservation>) -> Vec<Key> {
        vec![Key {
            id: happened.recorded.aggregate_id,
        }]
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, Reservation>) -> Option<Row> {
        if let Event::ReservationBooked {
            hotel_id,
            booked_by,
            terms,
            guests,
        } = &happened.event
        {
            return Some(Row {
                id: key.id,
                version: happened.recorded.sequence,
                hotel_id: *hotel_id,
                booked_by: *booked_by,
                status: Status::Confirmed,
                room_type: terms.room_type.clone(),
                check_in: terms.stay.check_in,
                check_out: terms.stay.check_out,
                rooms: terms.rooms,
                adults: guests.adults,
                children: guests.children,
                price_amount: terms.price_per_night.amount,
                total_amount: terms.total.amount,
                currency: terms.total.currency,
                booked_at: happened.recorded.occurred_at,
                checked_in_on: None,
                checked_out_on: None,
            });
        }
        let mut row = row?;
        row.version = happened.recorded.sequence;
        match &happened.event {
            Event::ReservationBooked { .. } => {}
            Event::ReservationChanged { terms } => changed(&mut row, terms),
            Event::ReservationCancelled {} => row.status = Status::Cancelled,
            Event::GuestsCheckedIn { on } => {
                row.status = Status::CheckedIn;
                row.checked_in_on = Some(*on);
            }
            Event::GuestsCheckedOut { on } => {
                row.status = Status::CheckedOut;
                row.checked_out_on = Some(*on);
            }
            Event::NoShowDeclared { .. } => row.status = Status::NoShow,
        }
        Some(row)
    }
}

fn changed(row: &mut Row, terms: &Terms) {
    row.room_type = terms.room_type.clone();
    row.check_in = terms.stay.check_in;
    row.check_out = terms.stay.check_out;
    row.rooms = terms.rooms;
    row.price_amount = terms.price_per_night.amount;
    row.total_amount = terms.total.amount;
    row.currency = terms.total.currency;
}
