//! The guests of a reservation leave; the nights that they do not stay are free again.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::cancel_reservation::release;
use super::check_in::at_the_desk;
use crate::actor::Actor;
use crate::hotels::reservation::{self, Reservation, Status};
use crate::streams::{Halt, Streams};

/// Checks the guests of the reservation `id` out, and gives back the nights from today on.
pub fn check_out(
    streams: &mut Streams,
    actor: &Actor,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Halt> {
    let (booked, today) = at_the_desk(streams, actor, id, now)?;
    streams.decide::<Reservation>(id, reservation::Command::CheckOut { today })?;
    if booked.status == Status::CheckedOut {
        return Ok(());
    }
    release(streams, id, &booked, booked.terms.stay.from(today))
}
