//! What an auditor asks over HTTP: the same as `comptoir audit`, for admins.

pub mod replays;

use domain::actor::Role::Admin;
use service_kit::access::{Access, Routes, Whose};
use utoipa_axum::routes;

use crate::App;

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes.allow(
        Access::Roles(&[Admin]),
        Whose::Platform,
        routes!(replays::list_replays),
    )
}
