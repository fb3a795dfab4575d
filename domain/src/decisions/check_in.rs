//! The guests of a reservation arrive.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::cancel_reservation::check_hotel;
use crate::actor::Actor;
use crate::hotels::hotel::Hotel;
use crate::hotels::reservation::{self, Booked, Reservation, booked};
use crate::streams::{Halt, Streams};

/// Checks the guests of the reservation `id` in.
pub fn check_in(
    streams: &mut Streams,
    actor: &Actor,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Halt> {
    let (_, today) = at_the_desk(streams, actor, id, now)?;
    streams.decide::<Reservation>(id, reservation::Command::CheckIn { today })
}

/// The reservation and the hotel's date, for those who run the hotel.
pub(super) fn at_the_desk(
    streams: &Streams,
    actor: &Actor,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(Booked, NaiveDate), Halt> {
    let state = streams.state::<Reservation>(id)?;
    let booked = booked(&state)?;
    let hotel = streams.state::<Hotel>(booked.hotel_id)?;
    check_hotel(actor, &hotel)?;
    let (_, details) = hotel.known()?;
    Ok((booked.clone(), details.date_at(now)))
}
