//! A reservation takes rooms for every night of its stay, or none.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::actor::{Actor, Role};
use crate::hotels::hotel::{self, Details, Hotel};
use crate::hotels::inventory::{self, Allocation, RoomInventory, inventory_id};
use crate::hotels::reservation::{self, Guests, Reservation, Terms};
use crate::hotels::stay::Stay;
use crate::money::Money;
use crate::streams::{Halt, Streams};

/// What a guest asks for.
#[derive(Debug, Clone)]
pub struct Booking {
    /// In which hotel.
    pub hotel_id: Uuid,
    /// The code of the room type.
    pub room_type: String,
    /// Which nights.
    pub stay: Stay,
    /// How many rooms.
    pub rooms: u32,
    /// For whom.
    pub guests: Guests,
}

/// Books the reservation `id`; gives its total.
pub fn book_room(
    streams: &mut Streams,
    actor: &Actor,
    id: Uuid,
    booking: Booking,
    now: DateTime<Utc>,
) -> Result<Money, Halt> {
    let state = streams.state::<Hotel>(booking.hotel_id)?;
    let (owner, details) = state.open()?;
    if !actor.is(Role::Buyer) && !actor.may_act_for(owner) {
        return Err(hotel::Rejection::NotYours.into());
    }
    let room_type = room_type(details, &booking.room_type)?;
    let terms = terms(
        &booking.room_type,
        booking.stay,
        booking.rooms,
        &room_type.price_per_night,
    )?;
    let allocation = allocation(id, &terms);
    let total = terms.total.clone();
    // Asked for before anything is decided, which would be decided again after each halt.
    let inventory = inventory_id(booking.hotel_id, &booking.room_type);
    streams.state::<Reservation>(id)?;
    streams.state::<RoomInventory>(inventory)?;
    let book = reservation::Command::Book {
        hotel_id: booking.hotel_id,
        booked_by: actor.account,
        terms,
        guests: booking.guests,
        room_capacity: room_type.capacity,
        today: details.date_at(now),
    };
    streams.decide::<Reservation>(id, book)?;
    // After the reservation's own rules: what can never be right is told before what is so today.
    if !details.is_active {
        return Err(hotel::Rejection::Inactive.into());
    }
    streams.decide::<RoomInventory>(inventory, inventory::Command::Reserve(allocation))?;
    Ok(total)
}

/// The room type of that code.
pub(super) fn room_type<'a>(
    details: &'a Details,
    code: &str,
) -> Result<&'a hotel::RoomType, hotel::Rejection> {
    details
        .room_type(code)
        .ok_or(hotel::Rejection::UnknownRoomType)
}

/// What a stay in `rooms` rooms costs.
pub(super) fn terms(
    room_type: &str,
    stay: Stay,
    rooms: u32,
    price_per_night: &Money,
) -> Result<Terms, reservation::Rejection> {
    let total = price_per_night
        .times(stay.length())
        .and_then(|price| price.times(rooms))
        .ok_or(reservation::Rejection::TooDear)?;
    Ok(Terms {
        room_type: room_type.to_owned(),
        stay,
        rooms,
        price_per_night: price_per_night.clone(),
        total,
    })
}

/// The rooms that a reservation on these terms takes.
pub(super) fn allocation(reservation_id: Uuid, terms: &Terms) -> Allocation {
    Allocation {
        reservation_id,
        stay: terms.stay,
        rooms: terms.rooms,
        price_per_night: terms.price_per_night.clone(),
    }
}
