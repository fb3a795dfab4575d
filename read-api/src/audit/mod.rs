//! What an auditor asks over HTTP: the same as `comptoir audit`, for admins.

pub mod causes;
mod error;
pub mod history;
pub mod reconcile;
pub mod state;

use domain::actor::Role::Admin;
use service_kit::access::{Access, Routes, Whose};
use utoipa_axum::routes;

use crate::App;

const ADMIN: Access = Access::Roles(&[Admin]);

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(ADMIN, Whose::Platform, routes!(causes::show_causes))
        .allow(ADMIN, Whose::Platform, routes!(history::show_stream))
        .allow(ADMIN, Whose::Platform, routes!(reconcile::reconcile))
        .allow(ADMIN, Whose::Platform, routes!(state::show_state))
}
