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

use std::fmt;
use std::sync::Arc;

use event_store::Log;
use futures::future::BoxFuture;
use mail::Mail;
use runtime::{Failure, Follows, Registered};
use uuid::Uuid;

/// What takes away what there is of a person outside the log: in read tables, say, which workers
/// know nothing of. Done again, it finds nothing.
pub type ForgetElsewhere =
    Arc<dyn Fn(Uuid) -> BoxFuture<'static, Result<(), Failure>> + Send + Sync>;

/// What the workers of every context share.
#[derive(Clone)]
pub struct Parts {
    /// The log.
    pub log: Log,
    /// How mail is sent.
    pub mail: Mail,
    /// What takes away what there is of a person elsewhere.
    pub elsewhere: ForgetElsewhere,
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

/// The workers of a context.
pub type ContextWorkers = fn(&Parts) -> Vec<Registered>;

/// Policies and effects, context by context.
pub const CONTEXTS: &[ContextWorkers] = &[identity::workers, support::workers];

/// What all of them follow, context by context.
pub fn follows() -> Vec<Follows> {
    [identity::follows(), support::follows()].concat()
}
