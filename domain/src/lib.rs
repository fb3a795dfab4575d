//! What may happen, and nothing else: pure deciders with no clock, no randomness and no I/O.
//!
//! One folder per bounded context, one file per aggregate; [`decisions`] holds what concerns
//! several streams at once. Start with [`decider::Decider`].

pub mod actor;
pub mod aggregate;
pub mod decider;
pub mod decisions;
pub mod hotels;
pub mod identity;
pub mod language;
pub mod money;
pub mod personal;
pub mod streams;
pub mod support;
pub mod upcast;

/// The bounded contexts: each is a folder of every crate, and a topic of Kafka.
pub const CONTEXTS: [&str; 3] = [identity::CONTEXT, hotels::CONTEXT, support::CONTEXT];

/// Every aggregate, so that any stream can be folded by the type that stands with its events.
pub fn aggregates() -> Vec<streams::StreamKind> {
    let contexts = [
        identity::aggregates,
        hotels::aggregates,
        support::aggregates,
    ];
    contexts
        .iter()
        .flat_map(|aggregates| aggregates())
        .collect()
}

/// Of which sources the deciders are: it changes with every change of this crate, and a snapshot
/// of another shape is not used.
pub const SHAPE: &str = env!("DOMAIN_SHAPE");
