//! The workers of support.

pub mod deliver_email;

use crate::Parts;
use crate::runtime::{Follows, Registered};
use deliver_email::DeliverEmail;

/// Its policies and effects.
pub fn workers(parts: &Parts) -> Vec<Registered> {
    vec![Registered::effect(DeliverEmail::of(parts))]
}

/// What they follow.
pub fn follows() -> Vec<Follows> {
    vec![Follows::effect::<DeliverEmail>()]
}
