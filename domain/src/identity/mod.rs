//! Identity: accounts, what they may do, and who runs the platform.

pub mod account;
pub mod administrators;
pub mod email;
pub mod link;
pub mod profile;
pub mod seller_request;
pub mod sessions;

use crate::streams::StreamKind;

/// The name of the context: its folder in every crate, its topic in Kafka.
pub const CONTEXT: &str = "identity";

/// Its aggregates.
pub fn aggregates() -> Vec<StreamKind> {
    vec![
        StreamKind::of::<account::Account>(),
        StreamKind::of::<administrators::Administrators>(),
        StreamKind::of::<email::EmailClaim>(),
        StreamKind::of::<seller_request::SellerRequest>(),
        StreamKind::of::<sessions::Sessions>(),
    ]
}
