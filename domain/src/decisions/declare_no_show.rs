//! The guests of a reservation never came: the first night is kept, the others are free again.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::cancel_reservation::release;
use super::check_in::at_the_desk;
use crate::actor::Actor;
use crate::hotels::reservation::{self, Reservation, Status};
use crate::streams::{Halt, Streams};

/// Declares the reservation `id` a no-show.
pub fn declare_no_show(
    streams: &mut Streams,
    actor: &Actor,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Halt> {
    let (booked, today) = at_the_desk(streams, actor, id, now)?;
    streams.decide::<Reservation>(id, reservation::Command::DeclareNoShow { today })?;
    if booked.status == Status::NoShow {
        return Ok(());
    }
    release(streams, id, &booked, booked.terms.stay.after_first())
}
