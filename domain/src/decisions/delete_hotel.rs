//! A hotel and its rooms go together.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::actor::Actor;
use crate::hotels::hotel::{self, Hotel};
use crate::hotels::inventory::{self, RoomInventory, inventory_id};
use crate::streams::{Halt, Streams};

/// Deletes the hotel `id`. Refused while a room is reserved for tonight or a coming night.
pub fn delete_hotel(
    streams: &mut Streams,
    actor: &Actor,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<(), Halt> {
    let state = streams.state::<Hotel>(id)?;
    let (owner, details) = state.open()?;
    if !actor.may_act_for(owner) {
        return Err(hotel::Rejection::NotYours.into());
    }
    streams.decide::<Hotel>(id, hotel::Command::Delete)?;
    let today = details.date_at(now);
    for room_type in &details.room_types {
        let inventory = inventory_id(id, &room_type.code);
        streams.decide::<RoomInventory>(inventory, inventory::Command::Close { today })?;
    }
    Ok(())
}
