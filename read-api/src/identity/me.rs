//! The caller's own account.

use axum::extract::State;
use axum::response::Response;
use domain::identity::CONTEXT;
use service_kit::access::Caller;
use service_kit::problem::Problem;

use super::users::{User, find};
use crate::App;
use crate::answer::{Known, versioned};
use crate::fresh::Fresh;

/// The account that is signed in.
#[utoipa::path(get, path = "/api/auth/me", tag = "identity",
    responses((status = 200, body = User), (status = 401, body = Problem)))]
pub async fn me(
    State(app): State<App>,
    Caller(actor): Caller,
    fresh: Fresh,
    known: Known,
) -> Result<Response, Problem> {
    app.contain(&fresh, CONTEXT, &["accounts"]).await?;
    let user = find(&app, actor.account).await?;
    versioned(&known, user.version, &user)
}
