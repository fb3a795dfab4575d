//! Which tables are replayed, and as of when.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use projections::rebuild::replay::{self, Listed};
use serde::{Deserialize, Serialize};
use service_kit::extract::Query;
use service_kit::problem::Problem;
use utoipa::ToSchema;

use crate::answer::{Known, view};
use crate::{App, database};

/// The replays that there are.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replays {
    /// By position and schema.
    results: Vec<Replay>,
}

/// A table as it stood.
#[derive(Debug, Serialize, ToSchema)]
pub struct Replay {
    /// The schema that it is in, under its own name.
    schema: String,
    /// The projection, and the table.
    projection: String,
    /// The version of the projection.
    version: i32,
    /// As of which position of the log.
    position: i64,
    /// The time that was asked for, or that at which the position was recorded.
    as_of: DateTime<Utc>,
    /// When it was begun.
    begun_at: DateTime<Utc>,
    /// complete, replaying or unfinished.
    state: String,
    /// How many events could not be folded.
    left_out: u64,
    /// What it takes on the disk, in bytes.
    bytes: i64,
}

impl From<Listed> for Replay {
    fn from(listed: Listed) -> Self {
        let Listed {
            schema,
            marker,
            state,
            bytes,
        } = listed;
        Self {
            schema,
            projection: marker.projection,
            version: marker.version,
            position: marker.position,
            as_of: marker.as_of,
            begun_at: marker.begun_at,
            state: state.to_string(),
            left_out: marker.left_out,
            bytes,
        }
    }
}

/// It takes no parameters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// The replays that there are: tables as they stood, made by `comptoir audit replay`.
#[utoipa::path(get, path = "/api/audit/replays", tag = "audit",
    responses((status = 200, body = Replays)))]
pub async fn list_replays(
    State(app): State<App>,
    known: Known,
    Query(Nothing {}): Query<Nothing>,
) -> Result<Response, Problem> {
    let all = replay::list(&app.read).await.map_err(database)?;
    let results = all.into_iter().map(Replay::from).collect();
    view(&known, &Replays { results })
}
