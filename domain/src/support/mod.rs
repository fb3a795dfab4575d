//! Support: what is said between the platform and its people.

pub mod email;

/// The name of the context: its folder in every crate, its topic in Kafka.
pub const CONTEXT: &str = "support";
