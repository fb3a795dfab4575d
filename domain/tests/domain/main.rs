//! What the domain does, told by level: one aggregate, decisions over several streams, laws as
//! properties, and the JSON that is stored.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    reason = "a test that can't go on fails, and its name says what it is about"
)]

mod aggregates;
mod decisions;
mod hotels;
mod identity;
mod money;
mod properties;
mod stored_events;
mod stored_files;
mod streams;
mod support;
mod support_email;
mod upcasting;
mod world;
