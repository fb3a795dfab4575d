//! A hotel and the rooms it offers come to be together.

use uuid::Uuid;

use crate::hotels::hotel::{self, Details, Hotel};
use crate::hotels::inventory::{self, RoomInventory, inventory_id};
use crate::streams::{Halt, Streams};

/// Creates the hotel `id`, owned by `owner`, and opens the inventory of each of its room types.
pub fn create_hotel(
    streams: &mut Streams,
    id: Uuid,
    owner: Uuid,
    details: Details,
) -> Result<(), Halt> {
    let command = hotel::Command::Create {
        owner,
        details: details.clone(),
    };
    streams.decide::<Hotel>(id, command)?;
    for room_type in &details.room_types {
        open_room_type(streams, id, &details, room_type)?;
    }
    Ok(())
}

/// Opens the inventory of one room type of the hotel.
pub(super) fn open_room_type(
    streams: &mut Streams,
    hotel_id: Uuid,
    details: &Details,
    room_type: &hotel::RoomType,
) -> Result<(), Halt> {
    let command = inventory::Command::Open {
        hotel_id,
        room_type: room_type.code.clone(),
        count: room_type.count,
        overbooking_allowance: details.overbooking_allowance,
    };
    streams.decide::<RoomInventory>(inventory_id(hotel_id, &room_type.code), command)
}
