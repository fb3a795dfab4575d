//! Hotels: what they offer, how many rooms are left for each night, and who stays in them.

pub mod hotel;
pub mod inventory;
pub mod reservation;
pub mod stay;

use crate::streams::StreamKind;

/// The name of the context: its folder in every crate, its topic in Kafka.
pub const CONTEXT: &str = "hotels";

/// Its aggregates.
pub fn aggregates() -> Vec<StreamKind> {
    vec![
        StreamKind::of::<hotel::Hotel>(),
        StreamKind::of::<inventory::RoomInventory>(),
        StreamKind::of::<reservation::Reservation>(),
    ]
}
