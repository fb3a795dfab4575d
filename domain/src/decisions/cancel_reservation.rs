//! A reservation is called off and gives back every night.

use uuid::Uuid;

use super::book_room::allocation;
use crate::actor::Actor;
use crate::hotels::hotel::{self, Hotel};
use crate::hotels::inventory::{self, RoomInventory, inventory_id};
use crate::hotels::reservation::{self, Booked, Reservation, Status, booked};
use crate::hotels::stay::Stay;
use crate::streams::{Halt, Streams};

/// Cancels the reservation `id`.
pub fn cancel_reservation(streams: &mut Streams, actor: &Actor, id: Uuid) -> Result<(), Halt> {
    let state = streams.state::<Reservation>(id)?;
    let booked = booked(&state)?;
    let hotel = streams.state::<Hotel>(booked.hotel_id)?;
    check_guest_or_hotel(actor, booked, &hotel)?;
    streams.decide::<Reservation>(id, reservation::Command::Cancel)?;
    if booked.status == Status::Cancelled {
        return Ok(());
    }
    release(streams, id, booked, Some(booked.terms.stay))
}

/// Refuses those who are neither the guest, nor the hotel's own, nor an admin.
pub(super) fn check_guest_or_hotel(
    actor: &Actor,
    booked: &Booked,
    hotel: &hotel::State,
) -> Result<(), reservation::Rejection> {
    if actor.account == booked.booked_by {
        return Ok(());
    }
    check_hotel(actor, hotel)
}

/// Refuses those who are neither the hotel's own nor an admin.
pub(super) fn check_hotel(
    actor: &Actor,
    hotel: &hotel::State,
) -> Result<(), reservation::Rejection> {
    match hotel.known() {
        Ok((owner, _)) if actor.may_act_for(owner) => Ok(()),
        _ => Err(reservation::Rejection::NotYours),
    }
}

/// Gives back the rooms of a reservation for the nights of `stay`, if any.
pub(super) fn release(
    streams: &mut Streams,
    id: Uuid,
    booked: &Booked,
    stay: Option<Stay>,
) -> Result<(), Halt> {
    let Some(stay) = stay else { return Ok(()) };
    let mut given = allocation(id, &booked.terms);
    given.stay = stay;
    let inventory = inventory_id(booked.hotel_id, &booked.terms.room_type);
    streams.decide::<RoomInventory>(inventory, inventory::Command::Release(given))
}
