//! What an auditor asks over HTTP: the same as `comptoir audit`, for admins.

pub mod causes;
mod count;
mod error;
pub mod export;
pub mod history;
mod lines;
pub mod proofs;
pub mod reconcile;
pub mod replays;
pub mod state;
pub mod verify;

use domain::actor::Role::Admin;
use service_kit::access::{Access, Routes, Whose};
use utoipa_axum::routes;

use crate::App;

const ADMIN: Access = Access::Roles(&[Admin]);

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(ADMIN, Whose::Platform, routes!(causes::show_causes))
        .allow(ADMIN, Whose::Platform, routes!(export::export_events))
        .allow(ADMIN, Whose::Platform, routes!(history::show_stream))
        .allow(ADMIN, Whose::Platform, routes!(proofs::list_checkpoints))
        .allow(ADMIN, Whose::Platform, routes!(proofs::show_checkpoint))
        .allow(ADMIN, Whose::Platform, routes!(proofs::show_consistency))
        .allow(ADMIN, Whose::Platform, routes!(proofs::show_proof))
        .allow(ADMIN, Whose::Platform, routes!(reconcile::reconcile))
        .allow(ADMIN, Whose::Platform, routes!(replays::list_replays))
        .allow(ADMIN, Whose::Platform, routes!(state::show_state))
        .allow(ADMIN, Whose::Platform, routes!(verify::show_verification))
}
