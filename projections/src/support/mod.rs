//! The read tables of support.

pub mod emails;

use domain::support::CONTEXT;

use crate::runtime::Registered;

/// Its projections.
pub fn projections() -> Vec<Registered> {
    vec![Registered::of::<emails::Emails>(CONTEXT)]
}
