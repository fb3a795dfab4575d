//! The queries of identity.

pub mod me;
pub mod seller_requests;
pub mod sessions;
pub mod users;

use domain::actor::Role::Admin;
use service_kit::access::{Access, Routes};
use utoipa_axum::routes;

use crate::App;

const ADMIN: Access = Access::Roles(&[Admin]);

/// Who may call what. What somebody is `SignedIn` for is about their own account alone.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(Access::SignedIn, routes!(me::me))
        .allow(Access::SignedIn, routes!(sessions::list_sessions))
        .allow(ADMIN, routes!(users::list_users))
        .allow(ADMIN, routes!(users::show_user))
        .allow(ADMIN, routes!(seller_requests::list_seller_requests))
        .allow(ADMIN, routes!(seller_requests::show_seller_request))
}
