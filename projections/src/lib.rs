//! Kafka, or the log itself → read tables.
//!
//! A projection is one read table and says only what its rows mean; [`runtime`] does the rest.

pub mod erase;
pub mod hotels;
pub mod identity;
pub mod measure;
pub mod migrate;
pub mod rebuild;
pub mod runtime;
pub mod support;

use runtime::Registered;

/// The projection of this name.
pub fn named(name: &str) -> Option<Registered> {
    all().into_iter().find(|one| one.name == name)
}

/// Every projection, context by context.
pub fn all() -> Vec<Registered> {
    [
        identity::projections(),
        hotels::projections(),
        support::projections(),
    ]
    .concat()
}
