//! Support: what is said between the platform and its people.

pub mod email;

use crate::streams::StreamKind;

/// The name of the context: its folder in every crate, its topic in Kafka.
pub const CONTEXT: &str = "support";

/// Its aggregates.
pub fn aggregates() -> Vec<StreamKind> {
    vec![StreamKind::of::<email::Email>()]
}
