//! The commands of toys.

use axum::extract::State;
use command_api::App;
use command_api::answer::Answer;
use command_api::execute::{Done, Target, execute};
use command_api::request::Order;
use domain::streams::StreamId;
use service_kit::access::{Access, Routes, Whose};
use service_kit::extract::Path;
use service_kit::problem::Problem;
use utoipa_axum::routes;
use uuid::Uuid;

use super::counter::{Command, Counter};

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(Access::SignedIn, Whose::Platform, routes!(make_counter))
        .allow(Access::SignedIn, Whose::Platform, routes!(count))
}

/// Makes a counter.
#[utoipa::path(post, path = "/api/counters", tag = "toys", responses((status = 201, body = Done)))]
async fn make_counter(State(app): State<App>, Order(envelope): Order) -> Result<Answer, Problem> {
    let id = Uuid::now_v7();
    let target = Target::created(StreamId::of::<Counter>(id), "/api/counters");
    execute(&app, envelope, target, move |streams| {
        streams.decide::<Counter>(id, Command::Make)
    })
    .await
}

/// Counts on by one.
#[utoipa::path(post, path = "/api/counters/{id}/count", tag = "toys",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 409, body = Problem)))]
async fn count(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    let target = Target::existing(StreamId::of::<Counter>(id));
    execute(&app, envelope, target, move |streams| {
        streams.decide::<Counter>(id, Command::Count)
    })
    .await
}
