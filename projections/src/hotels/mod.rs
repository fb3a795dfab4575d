//! The read tables of hotels.

pub mod hotel_list;
pub mod nights;
pub mod reservations;
pub mod room_inventories;

use domain::hotels::CONTEXT;

use crate::runtime::Registered;

/// The projections of the context.
pub fn projections() -> Vec<Registered> {
    vec![
        Registered::of::<hotel_list::Hotels>(CONTEXT),
        Registered::of::<room_inventories::RoomInventories>(CONTEXT),
        Registered::of::<nights::Nights>(CONTEXT),
        Registered::of::<reservations::Reservations>(CONTEXT),
    ]
}
