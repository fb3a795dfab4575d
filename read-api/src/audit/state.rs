//! An aggregate as it stood.

use audit::streams::{self, At, Stream};
use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use service_kit::extract::{Path, Query};
use service_kit::problem::Problem;
use utoipa::IntoParams;
use uuid::Uuid;

use super::error::{named, problem, unknown};
use crate::App;
use crate::answer::{Known, view};

/// Which moment is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StateQuery {
    /// The type of the aggregate, as in hotels.reservation, should several have this id.
    #[serde(rename = "type")]
    aggregate_type: Option<String>,
    /// A version, or a time (RFC 3339); now unless told otherwise.
    at: Option<String>,
    /// Whether a time means what had happened by then, and not what was recorded by then.
    #[serde(default)]
    occurred: bool,
}

/// An aggregate as it stood at a version or a time, by the code of today.
#[utoipa::path(get, path = "/api/audit/streams/{id}/state", tag = "audit",
    params(("id" = Uuid, Path,), StateQuery),
    responses((status = 200, body = Object), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn show_state(
    State(app): State<App>,
    known: Known,
    Path(id): Path<Uuid>,
    Query(asked): Query<StateQuery>,
) -> Result<Response, Problem> {
    let at = moment(asked.at.as_deref(), asked.occurred)?;
    let name = named(id, asked.aggregate_type.as_deref())?;
    let stream = Stream::find(&app.log, &name).await.map_err(problem)?;
    let kinds = domain::aggregates();
    let stood = streams::at(&app.log, &kinds, stream, at, None).await;
    match stood.map_err(problem)? {
        Some(standing) => view(&known, &standing),
        None => Err(unknown(match at {
            At::Version(version) => format!("the stream has no version {version}"),
            _ => "the stream had no event by then".to_owned(),
        })),
    }
}

fn moment(at: Option<&str>, occurred: bool) -> Result<At, Problem> {
    let Some(at) = at else { return Ok(At::Now) };
    if let Ok(version) = at.parse::<i64>() {
        return match (version > 0, occurred) {
            (true, false) => Ok(At::Version(version)),
            (true, true) => Err(Problem::malformed("occurred goes with a time")),
            (false, _) => Err(Problem::malformed("a version is 1 or more")),
        };
    }
    let time = DateTime::parse_from_rfc3339(at)
        .map_err(|_| Problem::malformed("at is a version, or a time of RFC 3339"))?;
    let time: DateTime<Utc> = time.to_utc();
    Ok(match occurred {
        true => At::Occurred(time),
        false => At::Recorded(time),
    })
}
