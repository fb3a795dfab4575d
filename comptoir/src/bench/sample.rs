//! The commands and events that are measured: real ones of the domain.

use std::collections::HashMap;

use chrono::{Days, NaiveDate, Utc};
use domain::decider::Decider;
use domain::hotels::inventory::{self, Allocation};
use domain::hotels::reservation::{self, Guests, Reservation, Terms};
use domain::hotels::stay::Stay;
use domain::money::{Currency, Money};
use uuid::Uuid;

/// The trace context that each command comes with.
pub(super) const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// What is kept of the answer to a booking, for retries.
pub(super) const ANSWER: &str = r#"{"id":"0193a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b","version":1,"created_under":"/api/reservations","more":{"status":"confirmed","total":{"amount":20000,"currency":"EUR"}}}"#;
/// More rooms than any bench books.
const ROOMS: u32 = 1_000_000_000;
/// Nights that are booked, from today on.
const NIGHTS: u64 = 30;

fn stay(number: u64) -> Stay {
    let day = |ahead| Utc::now().date_naive() + Days::new(ahead);
    let first = 1 + number % NIGHTS;
    Stay {
        check_in: day(first),
        check_out: day(first + 2),
    }
}

fn price(amount: i64) -> Money {
    Money {
        amount,
        currency: Currency::EUR,
    }
}

fn terms(number: u64) -> Terms {
    Terms {
        room_type: "double".to_owned(),
        stay: stay(number),
        rooms: 1,
        price_per_night: price(10_000),
        total: price(20_000),
    }
}

/// A booking: on a stream of its own it leads to one event of about 300 bytes.
pub(super) fn booking() -> reservation::Command {
    let today: NaiveDate = Utc::now().date_naive();
    reservation::Command::Book {
        hotel_id: Uuid::from_u128(1),
        booked_by: Uuid::from_u128(2),
        terms: terms(0),
        guests: Guests {
            adults: 2,
            children: 0,
        },
        room_capacity: 2,
        today,
    }
}

/// The event that [`booking`] leads to.
///
/// # Errors
/// When the domain refuses it.
pub(super) fn booked() -> anyhow::Result<reservation::Event> {
    let decided = Reservation::decide(&reservation::State::default(), booking())?;
    let event = decided.into_iter().next();
    event.ok_or_else(|| anyhow::anyhow!("a booking leads to no event"))
}

/// The guests come at another time.
pub(super) fn changed(number: u64) -> reservation::Event {
    reservation::Event::ReservationChanged {
        terms: terms(number),
    }
}

/// Opens an inventory that is never full.
pub(super) fn opened() -> inventory::Event {
    inventory::Event::InventoryOpened {
        hotel_id: Uuid::from_u128(1),
        room_type: "double".to_owned(),
        count: ROOMS,
        overbooking_allowance: 0,
    }
}

/// Takes one room of an inventory for two nights.
pub(super) fn allocation(number: u64) -> Allocation {
    Allocation {
        reservation_id: Uuid::new_v4(),
        stay: stay(number),
        rooms: 1,
        price_per_night: price(10_000),
    }
}

/// Who asks and why, as stock cqrs-es takes it: the members that the log writes.
pub(super) fn metadata() -> HashMap<String, String> {
    let request = Uuid::new_v4().to_string();
    HashMap::from([
        ("actor".to_owned(), Uuid::from_u128(2).to_string()),
        ("request_id".to_owned(), request.clone()),
        ("correlation_id".to_owned(), request.clone()),
        ("causation_id".to_owned(), request),
        ("traceparent".to_owned(), TRACEPARENT.to_owned()),
    ])
}
