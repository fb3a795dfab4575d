//! Every event of a stream, sent page by page.

use audit::streams::{Entry, History, Stream};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Deserialize;
use service_kit::extract::{Path, Query};
use service_kit::problem::Problem;
use utoipa::IntoParams;
use uuid::Uuid;

use super::count::Count;
use super::error::{named, problem};
use crate::App;

/// Which events are asked for, and how they are written.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// The type of the aggregate, as in hotels.reservation, should several have this id.
    #[serde(rename = "type")]
    aggregate_type: Option<String>,
    /// Those after this version.
    #[param(value_type = Option<i64>, minimum = 0)]
    after: Option<Count>,
    /// ndjson, a line an event, unless told otherwise; or json, a list.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    format: Format,
}

/// How events follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Ndjson,
    Json,
}

impl Format {
    fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Json => "application/json",
        }
    }

    /// What stands before the first event, between two, and after the last.
    fn marks(self) -> [&'static str; 3] {
        match self {
            Self::Ndjson => ["", "\n", "\n"],
            Self::Json => ["[", ",\n", "]\n"],
        }
    }
}

/// Every event of a stream, oldest first: when, who, which request, caused by what.
#[utoipa::path(get, path = "/api/audit/streams/{id}/history", tag = "audit",
    params(("id" = Uuid, Path,), StreamQuery),
    responses((status = 200, content((String = "application/x-ndjson"),
            (Vec<Object> = "application/json"))),
        (status = 400, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn show_stream(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(asked): Query<StreamQuery>,
) -> Result<Response, Problem> {
    let name = named(id, asked.aggregate_type.as_deref())?;
    let found = Stream::find(&app.log, &name).await.map_err(problem)?;
    let after = asked.after.unwrap_or_default().get();
    let mut history = History::new(&app.log, found, after, None, None);
    // What goes wrong at once is still a problem document.
    let first = history.next().await.map_err(problem)?;
    let body = body(history, first, asked.format);
    let headers = [
        (header::CONTENT_TYPE, asked.format.media_type()),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    Ok((headers, body).into_response())
}

/// How far a body is.
struct Sending {
    history: History,
    format: Format,
    /// The page that was read before the answer began.
    first: Option<Vec<Entry>>,
    ended: bool,
}

/// The body, which reads a page when the client has taken the one before. Meanwhile it has no
/// connection to the database, however slow the client is.
fn body(history: History, first: Vec<Entry>, format: Format) -> Body {
    let sending = Sending {
        history,
        format,
        first: Some(first),
        ended: false,
    };
    Body::from_stream(stream::try_unfold(sending, next))
}

async fn next(mut sending: Sending) -> Result<Option<(Bytes, Sending)>, axum::Error> {
    if sending.ended {
        return Ok(None);
    }
    let is_first = sending.first.is_some();
    let page = match sending.first.take() {
        Some(page) => page,
        None => sending.history.next().await.map_err(|error| {
            tracing::error!(%error, "a history breaks off");
            axum::Error::new(error)
        })?,
    };
    sending.ended = page.is_empty();
    let bytes = lines(&page, is_first, sending.format).map_err(axum::Error::new)?;
    Ok(Some((bytes, sending)))
}

/// The events of a page; an empty one is the end.
fn lines(page: &[Entry], is_first: bool, format: Format) -> Result<Bytes, serde_json::Error> {
    let [begin, between, end] = format.marks();
    let mut out = Vec::new();
    if is_first {
        out.extend(begin.as_bytes());
    }
    for (index, entry) in page.iter().enumerate() {
        if !(is_first && index == 0) {
            out.extend(between.as_bytes());
        }
        serde_json::to_writer(&mut out, entry)?;
    }
    let nothing = is_first && format == Format::Ndjson;
    if page.is_empty() && !nothing {
        out.extend(end.as_bytes());
    }
    Ok(out.into())
}
