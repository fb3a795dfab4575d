//! A reservation moves to other nights or rooms: the old ones are given back and the new ones
//! taken in one decision, so that its own rooms never stand in its way.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::book_room::{allocation, room_type, terms};
use super::cancel_reservation::{check_guest_or_hotel, release};
use crate::actor::Actor;
use crate::hotels::hotel::Hotel;
use crate::hotels::inventory::{self, RoomInventory, inventory_id};
use crate::hotels::reservation::{self, Reservation, Terms, booked};
use crate::hotels::stay::Stay;
use crate::money::Money;
use crate::streams::{Halt, Streams};

/// What is wanted instead.
#[derive(Debug, Clone)]
pub struct Change {
    /// The code of the room type.
    pub room_type: String,
    /// Which nights.
    pub stay: Stay,
    /// How many rooms.
    pub rooms: u32,
}

/// Changes the reservation `id`; gives its new total. The price of a night stays what was agreed
/// unless another room type is chosen.
pub fn change_reservation(
    streams: &mut Streams,
    actor: &Actor,
    id: Uuid,
    change: Change,
    now: DateTime<Utc>,
) -> Result<Money, Halt> {
    let state = streams.state::<Reservation>(id)?;
    let booked = booked(&state)?;
    let hotel = streams.state::<Hotel>(booked.hotel_id)?;
    check_guest_or_hotel(actor, booked, &hotel)?;
    let (_, details) = hotel.open()?;
    let offered = room_type(details, &change.room_type)?;
    let agreed = &booked.terms;
    let price = if agreed.room_type == change.room_type {
        &agreed.price_per_night
    } else {
        &offered.price_per_night
    };
    let wanted = terms(&change.room_type, change.stay, change.rooms, price)?;
    let total = wanted.total.clone();
    if wanted == *agreed && booked.status == reservation::Status::Confirmed {
        return Ok(total);
    }
    let (given_up, added) = nights_that_change(agreed, &wanted);
    let mut taken = allocation(id, &wanted);
    let command = reservation::Command::Change {
        terms: wanted,
        room_capacity: offered.capacity,
        today: details.date_at(now),
    };
    streams.decide::<Reservation>(id, command)?;
    release(streams, id, booked, given_up)?;
    if let Some(stay) = added {
        taken.stay = stay;
        let inventory = inventory_id(booked.hotel_id, &change.room_type);
        streams.decide::<RoomInventory>(inventory, inventory::Command::Reserve(taken))?;
    }
    Ok(total)
}

/// The nights to give back and those to take. While only the end of the stay moves, the nights
/// that remain are left alone: some may have passed, and the hotel may have fewer rooms since.
fn nights_that_change(agreed: &Terms, wanted: &Terms) -> (Option<Stay>, Option<Stay>) {
    let (old, new) = (agreed.stay, wanted.stay);
    let same_rooms = (&agreed.room_type, agreed.rooms) == (&wanted.room_type, wanted.rooms);
    if same_rooms && old.check_in == new.check_in {
        (old.from(new.check_out), new.from(old.check_out))
    } else {
        (Some(old), Some(new))
    }
}
