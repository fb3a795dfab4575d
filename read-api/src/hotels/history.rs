//! What happened to a reservation.

use axum::extract::State;
use axum::response::Response;
use domain::hotels::CONTEXT;
use domain::hotels::reservation::Reservation;
use service_kit::access::Caller;
use service_kit::extract::Path;
use service_kit::problem::Problem;
use uuid::Uuid;

use super::reservations;
use crate::App;
use crate::answer::{Known, view};
use crate::fresh::Fresh;
use crate::history::{self, History};

/// What happened to a reservation: every event, who asked for it, and when.
#[utoipa::path(get, path = "/api/reservations/{id}/history", tag = "hotels",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = History), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub async fn show_history(
    State(app): State<App>,
    Caller(actor): Caller,
    fresh: Fresh,
    known: Known,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    app.contain(&fresh, CONTEXT, &reservations::TABLES).await?;
    reservations::find(&app.tables, &actor, id).await?;
    view(&known, &history::of::<Reservation>(&app, id).await?)
}
