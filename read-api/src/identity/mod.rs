//! The queries of identity.

pub mod me;
pub mod users;

use domain::actor::Role::Admin;
use service_kit::access::{Access, Routes};
use utoipa_axum::routes;

use crate::App;

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(Access::SignedIn, routes!(me::me))
        .allow(Access::Roles(&[Admin]), routes!(users::list_users))
        .allow(Access::Roles(&[Admin]), routes!(users::show_user))
}
