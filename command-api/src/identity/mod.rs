//! The commands of identity.

pub mod first_admin;
pub mod login;
pub mod passwords;
pub mod sweep;
pub mod users;

use domain::actor::Role::Admin;
use service_kit::access::{Access, Routes};
use utoipa_axum::routes;

use crate::App;

const ADMIN: Access = Access::Roles(&[Admin]);

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(Access::Anyone, routes!(login::login))
        .allow(ADMIN, routes!(users::create_user))
        .allow(ADMIN, routes!(users::activate_user))
        .allow(ADMIN, routes!(users::deactivate_user))
        .allow(ADMIN, routes!(users::change_roles))
}
