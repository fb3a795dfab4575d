//! The workers of identity.

pub mod forget_mail;

use crate::Parts;
use crate::runtime::Registered;
use forget_mail::ForgetMail;

/// Its policies and effects.
pub fn workers(parts: &Parts) -> Vec<Registered> {
    vec![Registered::effect(ForgetMail::of(parts))]
}
