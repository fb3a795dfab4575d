//! The workers of support.

pub mod deliver_email;

use crate::Parts;
use crate::runtime::Registered;
use deliver_email::DeliverEmail;

/// Its policies and effects.
pub fn workers(parts: &Parts) -> Vec<Registered> {
    vec![Registered::effect(DeliverEmail::of(parts))]
}
