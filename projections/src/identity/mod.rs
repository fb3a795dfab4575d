//! The read tables of identity.

pub mod accounts;

use domain::identity::CONTEXT;

use crate::runtime::Registered;

/// The projections of the context.
pub fn projections() -> Vec<Registered> {
    vec![Registered::of::<accounts::Accounts>(CONTEXT)]
}
