//! A hotel changes, and with it how many rooms it offers.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::create_hotel::open_room_type;
use crate::actor::Actor;
use crate::hotels::hotel::{self, Details, Hotel};
use crate::hotels::inventory::{self, RoomInventory, inventory_id};
use crate::streams::{Halt, Streams};

/// Replaces what is known of the hotel `id`. Refused while more rooms are reserved for a coming
/// night than would be left, or any of a room type that is taken away.
pub fn change_hotel(
    streams: &mut Streams,
    actor: &Actor,
    id: Uuid,
    details: Details,
    now: DateTime<Utc>,
) -> Result<(), Halt> {
    let state = streams.state::<Hotel>(id)?;
    let (owner, current) = state.open()?;
    if !actor.may_act_for(owner) {
        return Err(hotel::Rejection::NotYours.into());
    }
    let command = hotel::Command::Change {
        details: details.clone(),
    };
    streams.decide::<Hotel>(id, command)?;
    // When the hotel's calendar moves, the earlier of its days counts.
    let today = details.date_at(now).min(current.date_at(now));
    for gone in &current.room_types {
        if details.room_type(&gone.code).is_none() {
            let inventory = inventory_id(id, &gone.code);
            streams.decide::<RoomInventory>(inventory, inventory::Command::Close { today })?;
        }
    }
    for room_type in &details.room_types {
        if current.room_type(&room_type.code).is_none() {
            open_room_type(streams, id, &details, room_type)?;
            continue;
        }
        let resize = inventory::Command::Resize {
            count: room_type.count,
            overbooking_allowance: details.overbooking_allowance,
            today,
        };
        streams.decide::<RoomInventory>(inventory_id(id, &room_type.code), resize)?;
    }
    Ok(())
}
