//! Hotels: what they offer, how many rooms are left for each night, and who stays in them.

pub mod hotel;
pub mod inventory;
pub mod reservation;
pub mod stay;

/// The name of the context: its folder in every crate, its topic in Kafka.
pub const CONTEXT: &str = "hotels";
