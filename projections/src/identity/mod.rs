//! The read tables of identity.

pub mod accounts;
pub mod profiles;
pub mod seller_requests;
pub mod sessions;

use domain::identity::CONTEXT;

use crate::runtime::Registered;

/// The projections of the context.
pub fn projections() -> Vec<Registered> {
    vec![
        Registered::of::<accounts::Accounts>(CONTEXT),
        Registered::of::<profiles::Profiles>(CONTEXT),
        Registered::of::<sessions::OpenSessions>(CONTEXT),
        Registered::of::<seller_requests::SellerRequests>(CONTEXT),
    ]
}
