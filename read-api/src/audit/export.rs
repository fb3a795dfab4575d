//! The log, exported as it is read.

use ::audit::export::{Bound, Chunks, Selection, range};
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use domain::CONTEXTS;
use event_store::Position;
use futures::{Stream, stream};
use serde::Deserialize;
use service_kit::extract::Query;
use service_kit::problem::Problem;
use utoipa::IntoParams;

use crate::{App, database};

/// What is exported.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// Where it begins: a position, or a time of recording (RFC 3339).
    from: Option<String>,
    /// Where it ends, included: the same; with the last event there is by now unless told otherwise.
    to: Option<String>,
    /// Only events of these contexts, separated by commas.
    context: Option<String>,
}

/// Exports events as CloudEvents, a line of JSON each, in the order of the log.
///
/// What is personal in them stays sealed. An answer that breaks off has not all of them. A client
/// that takes nothing of it for 30 seconds is left.
#[utoipa::path(get, path = "/api/audit/export", tag = "audit", params(ExportQuery),
    responses((status = 200, content_type = "application/x-ndjson", body = String),
        (status = 400, body = Problem)))]
pub async fn export_events(
    State(app): State<App>,
    Query(asked): Query<ExportQuery>,
) -> Result<Response, Problem> {
    let from = bound("from", asked.from.as_deref())?;
    let to = bound("to", asked.to.as_deref())?;
    let contexts = contexts(asked.context.as_deref())?;
    let (first, last) = range(&app.log, from, to).await.map_err(database)?;
    let selection = Selection {
        epoch: app.epoch,
        first,
        last,
        contexts,
    };
    let chunks = Chunks::of(&app.log, selection, Position::MAX);
    let lines = Body::from_stream(lines(chunks));
    Ok(([(CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}

/// The lines, read as the client takes them: nothing is read ahead of it but a page.
fn lines(chunks: Chunks) -> impl Stream<Item = Result<Vec<u8>, ::audit::export::Error>> {
    stream::try_unfold(chunks, async |mut chunks| {
        let next = chunks.next().await;
        let next = next.inspect_err(|error| tracing::warn!(%error, "an export broke off"));
        Ok(next?.map(|chunk| (chunk.lines, chunks)))
    })
}

fn bound(name: &str, text: Option<&str>) -> Result<Option<Bound>, Problem> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|error: ::audit::export::NoBound| Problem::malformed(format!("{name}: {error}")))
}

fn contexts(names: Option<&str>) -> Result<Vec<String>, Problem> {
    let names = names.into_iter().flat_map(|names| names.split(','));
    let known = |name: &str| match CONTEXTS.contains(&name) {
        true => Ok(name.to_owned()),
        false => Err(Problem::malformed(format!("there is no context {name:?}"))),
    };
    names.map(known).collect()
}
