//! The queries of identity.

pub mod me;
pub mod seller_requests;
pub mod sessions;
pub mod users;

use domain::actor::Role::Admin;
use service_kit::access::{Access, Routes, Whose};
use utoipa_axum::routes;

use crate::App;

const ADMIN: Access = Access::Roles(&[Admin]);

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(Access::SignedIn, Whose::Caller, routes!(me::me))
        .allow(
            Access::SignedIn,
            Whose::Caller,
            routes!(sessions::list_sessions),
        )
        .allow(ADMIN, Whose::Platform, routes!(users::list_users))
        .allow(ADMIN, Whose::Platform, routes!(users::show_user))
        .allow(
            ADMIN,
            Whose::Platform,
            routes!(seller_requests::list_seller_requests),
        )
        .allow(
            ADMIN,
            Whose::Platform,
            routes!(seller_requests::show_seller_request),
        )
}
