//! The queries of support.

pub mod emails;

use domain::actor::Role::Admin;
use service_kit::access::{Access, Routes, Whose};
use utoipa_axum::routes;

use crate::App;

const ADMIN: Access = Access::Roles(&[Admin]);

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(ADMIN, Whose::Platform, routes!(emails::list_emails))
        .allow(ADMIN, Whose::Platform, routes!(emails::show_email))
}
