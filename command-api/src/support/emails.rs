//! What an admin does about e-mails.

use axum::extract::State;
use domain::streams::StreamId;
use domain::support::email::{Command, Email};
use service_kit::extract::Path;
use service_kit::problem::Problem;
use uuid::Uuid;

use crate::App;
use crate::answer::Answer;
use crate::execute::{Done, Target, execute};
use crate::request::Order;

/// Has an e-mail attempted again that was given up.
#[utoipa::path(post, path = "/api/emails/{id}/retry", tag = "support",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem)))]
pub async fn retry_email(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    let target = Target::existing(StreamId::of::<Email>(id));
    execute(&app, envelope, target, move |streams| {
        streams.decide::<Email>(id, Command::Retry)
    })
    .await
}
