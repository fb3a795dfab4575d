//! Events → commands and effects: policies, timers, e-mail.
//!
//! A policy says what follows from events; an effect acts on the world outside. Both are pure in
//! what they make of events; [`runtime`] does the rest. `docs/operations/workers.md` tells how they
//! run, `docs/adding-a-policy.md` how one is added.

pub mod given;
pub mod identity;
pub mod mail;
pub mod measure;
pub mod runtime;
pub mod support;

use event_store::Log;
use mail::Mail;
use runtime::Registered;

/// What the workers of every context share.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The log.
    pub log: Log,
    /// How mail is sent.
    pub mail: Mail,
}

/// The workers of a context.
pub type ContextWorkers = fn(&Parts) -> Vec<Registered>;

/// Policies and effects, context by context.
pub const CONTEXTS: &[ContextWorkers] = &[identity::workers, support::workers];
