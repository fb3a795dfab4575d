//! Identity: accounts, what they may do, and who runs the platform.

pub mod account;
pub mod administrators;
pub mod email;
pub mod link;
pub mod profile;
pub mod seller_request;
pub mod sessions;

/// The name of the context: its folder in every crate, its topic in Kafka.
pub const CONTEXT: &str = "identity";
