//! Wishes to sell, as an admin settles them.

use axum::extract::State;
use domain::decisions::settle_seller_request::{approve_seller_request, reject_seller_request};
use domain::identity::seller_request::SellerRequest;
use domain::streams::StreamId;
use serde::Deserialize;
use service_kit::extract::Path;
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::App;
use crate::answer::Answer;
use crate::execute::{Done, Target, execute};
use crate::request::{Order, OrderWith};

/// Why somebody may not sell.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RejectBody {
    /// What they are told.
    #[schema(min_length = 1, max_length = 2000)]
    reason: String,
}

/// Lets somebody sell: the account gets the role, and may sign in.
#[utoipa::path(post, path = "/api/admin/seller-requests/{id}/approve", tag = "identity",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem)))]
pub async fn approve(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    execute(&app, envelope, request(id), move |streams| {
        approve_seller_request(streams, id)
    })
    .await
}

/// Does not let somebody sell, for a reason that they are told.
#[utoipa::path(post, path = "/api/admin/seller-requests/{id}/reject", tag = "identity",
    request_body = RejectBody, params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem)))]
pub async fn reject(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    OrderWith(envelope, body): OrderWith<RejectBody>,
) -> Result<Answer, Problem> {
    execute(&app, envelope, request(id), move |streams| {
        reject_seller_request(streams, id, body.reason.clone())
    })
    .await
}

fn request(id: Uuid) -> Target {
    Target::existing(StreamId::of::<SellerRequest>(id))
}
