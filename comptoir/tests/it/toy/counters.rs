//! The queries of toys.

use axum::extract::State;
use axum::response::Response;
use read_api::App;
use read_api::answer::{Known, versioned};
use read_api::fresh::Fresh;
use read_api::query::Sql;
use serde_json::json;
use service_kit::access::{Access, Routes, Whose};
use service_kit::extract::Path;
use service_kit::problem::Problem;
use utoipa_axum::routes;
use uuid::Uuid;

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes.allow(Access::SignedIn, Whose::Platform, routes!(show_counter))
}

/// A counter.
#[utoipa::path(get, path = "/api/counters/{id}", tag = "toys", params(("id" = Uuid, Path,)),
    responses((status = 200), (status = 404, body = Problem)))]
async fn show_counter(
    State(app): State<App>,
    fresh: Fresh,
    known: Known,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    app.contain(&fresh, "toys", &["counters"]).await?;
    let count: Option<(i64,)> = Sql::new("SELECT count FROM counters WHERE id = $1")
        .bind(id)
        .fetch_optional(&app.tables)
        .await?;
    let (count,) =
        count.ok_or_else(|| Problem::unknown("counter-unknown", "there is no such counter"))?;
    versioned(&known, count, &json!({ "id": id, "count": count }))
}
