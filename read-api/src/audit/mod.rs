//! What an auditor asks over HTTP: the same as `comptoir audit`, for admins.

pub mod export;

use domain::actor::Role::Admin;
use service_kit::access::{Access, Routes, Whose};
use utoipa_axum::routes;

use crate::App;

const ADMIN: Access = Access::Roles(&[Admin]);

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes.allow(ADMIN, Whose::Platform, routes!(export::export_events))
}
