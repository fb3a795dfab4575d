//! Proofs, and the checkpoints that they rest on.

use audit::causes::{self, find};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use event_store::tree::{self, Error, Signed};
use proofs::Proof;
use serde::{Deserialize, Serialize};
use service_kit::extract::{Path, Query};
use service_kit::problem::Problem;
use utoipa::{IntoParams, ToSchema};

use super::count::Count;
use crate::{App, database};

/// The most checkpoints of an answer.
const MOST: usize = 1_000;

/// How an event is proved.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProofQuery {
    /// Whether the proof has the event itself; what is personal in it stays sealed.
    #[serde(default)]
    with_event: bool,
}

/// From which checkpoint to which.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ConsistencyQuery {
    /// The size of the earlier checkpoint.
    from: u64,
    /// The size of the later one; the last unless told otherwise.
    to: Option<u64>,
}

/// Which checkpoints.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CheckpointsQuery {
    /// Those of this size or more.
    #[serde(default)]
    #[param(value_type = Option<i64>, minimum = 0)]
    from: Count,
}

/// What was signed of the log.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checkpoints {
    /// In the order of their sizes; at most a thousand.
    results: Vec<Checkpoint>,
}

/// A checkpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct Checkpoint {
    /// How many events it covers.
    size: u64,
    /// The name of the log and its epoch.
    log: String,
    signed_at: DateTime<Utc>,
    /// The signed note (C2SP tlog-checkpoint).
    note: String,
}

impl From<Signed> for Checkpoint {
    fn from(signed: Signed) -> Self {
        Self {
            size: signed.size,
            log: signed.origin,
            signed_at: signed.signed_at,
            note: signed.note,
        }
    }
}

/// A proof that an event is in the log, which `comptoir audit check` verifies with the public key
/// alone. The event is named by its position or its id.
#[utoipa::path(get, path = "/api/audit/events/{event}/proof", tag = "audit",
    params(("event" = String, Path,), ProofQuery),
    responses((status = 200, body = Object), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn show_proof(
    State(app): State<App>,
    Path(event): Path<String>,
    Query(asked): Query<ProofQuery>,
) -> Result<Json<Proof>, Problem> {
    let malformed = |error: causes::Malformed| Problem::malformed(error.to_string());
    let event = event.parse().map_err(malformed)?;
    let found = find::event(&app.log, event, false)
        .await
        .map_err(database)?;
    let Some((position, _)) = found else {
        return Err(Problem::unknown(
            "event-unknown",
            format!("there is no event {event}, as far as the time in an id tells"),
        ));
    };
    let proof = tree::inclusion(&app.log, position, asked.with_event).await;
    Ok(Json(Proof::Inclusion(proof.map_err(problem)?)))
}

/// A proof that the log only grew from one checkpoint to another.
#[utoipa::path(get, path = "/api/audit/consistency", tag = "audit", params(ConsistencyQuery),
    responses((status = 200, body = Object), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub async fn show_consistency(
    State(app): State<App>,
    Query(asked): Query<ConsistencyQuery>,
) -> Result<Json<Proof>, Problem> {
    let proof = tree::consistency(&app.log, asked.from, asked.to).await;
    Ok(Json(Proof::Consistency(proof.map_err(problem)?)))
}

/// What was signed of the log, by size.
#[utoipa::path(get, path = "/api/audit/checkpoints", tag = "audit", params(CheckpointsQuery),
    responses((status = 200, body = Checkpoints), (status = 400, body = Problem)))]
pub async fn list_checkpoints(
    State(app): State<App>,
    Query(asked): Query<CheckpointsQuery>,
) -> Result<Json<Checkpoints>, Problem> {
    let from = asked.from.get().unsigned_abs();
    let all = tree::checkpoints(&app.log, from, u64::MAX, Some(MOST)).await;
    let results = all.map_err(database)?.into_iter().map(Checkpoint::from);
    let results = results.collect();
    Ok(Json(Checkpoints { results }))
}

/// The last checkpoint, as the signed note that it is.
#[utoipa::path(get, path = "/api/audit/checkpoint", tag = "audit",
    responses((status = 200, content_type = "text/plain", body = String),
        (status = 404, body = Problem)))]
pub async fn show_checkpoint(State(app): State<App>) -> Result<Response, Problem> {
    match tree::latest(&app.log).await.map_err(database)? {
        Some(signed) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            Ok((kind, signed.note).into_response())
        }
        None => Err(unknown("nothing was signed yet".to_owned())),
    }
}

fn unknown(detail: String) -> Problem {
    Problem::unknown("checkpoint-unknown", detail)
}

fn problem(error: Error) -> Problem {
    match error {
        Error::Database(error) => database(error),
        Error::NoCheckpoint(_) => unknown(error.to_string()),
        Error::NoEvent(_) => Problem::unknown("event-unknown", error.to_string()),
        Error::NotCovered(_) => {
            Problem::new(StatusCode::CONFLICT, "not-covered", error.to_string())
        }
        Error::Prove(why) => Problem::malformed(why.to_string()),
        error => Problem::fault("a proof can't be made", &error),
    }
}
