//! The problems that questions without an answer are.

use audit::streams::{Error, StreamName};
use axum::http::StatusCode;
use service_kit::problem::Problem;
use uuid::Uuid;

use crate::{away, closed, database};

/// The problem that `error` is.
pub(super) fn problem(error: Error) -> Problem {
    if error.is_away() {
        tracing::warn!(%error, "the log is away");
        return away();
    }
    match error {
        Error::Unknown(_) | Error::NoAggregate(_) => unknown(error.to_string()),
        Error::Ambiguous { .. } => {
            let status = StatusCode::CONFLICT;
            Problem::new(status, "stream-ambiguous", error.to_string())
        }
        Error::Personal(error) => closed(error),
        Error::Database(error) => database(error),
        error => Problem::fault("a stream can't be read", &error),
    }
}

/// `404`: the stream is not there, or was not by then.
pub(super) fn unknown(detail: String) -> Problem {
    Problem::unknown("stream-unknown", detail)
}

/// The stream that a path and its `type` name.
pub(super) fn named(id: Uuid, aggregate_type: Option<&str>) -> Result<StreamName, Problem> {
    let name = match aggregate_type {
        Some(aggregate_type) => format!("{aggregate_type}/{id}").parse(),
        None => id.to_string().parse(),
    };
    name.map_err(|_| Problem::malformed("type is an aggregate's, as in hotels.reservation"))
}
