//! Whether the log is what it was.

use std::time::{Duration, Instant};

use audit::verify::{self, Trusted};
use axum::extract::State;
use axum::response::Response;
use proofs::VerifierKey;
use serde::Deserialize;
use serde_json::json;
use service_kit::extract::Query;
use service_kit::problem::Problem;
use utoipa::IntoParams;

use super::lines;
use crate::App;

/// How often it is told how far it is.
const TELL: Duration = Duration::from_secs(1);

/// What is trusted.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// The public key of the log, as `comptoir audit key` prints it; several are separated by
    /// commas. Signatures that none is of are not checked.
    key: Option<String>,
}

/// Reads the whole log and tells whether it is what was written: every position, stream, hash, tile
/// and checkpoint. A line a second tells how far it is, `{"done", "of"}`; the last line is the
/// report, `{"report": {…, "faults": [{"kind", "position", …}]}}`. An answer without it has broken
/// off. One runs at a time.
#[utoipa::path(get, path = "/api/audit/verify", tag = "audit", params(VerifyQuery),
    responses((status = 200, content_type = "application/x-ndjson", body = String),
        (status = 400, body = Problem), (status = 429, body = Problem)))]
pub async fn show_verification(
    State(app): State<App>,
    Query(asked): Query<VerifyQuery>,
) -> Result<Response, Problem> {
    let keys = asked.key.iter().flat_map(|keys| keys.split(','));
    let keys: Result<Vec<_>, _> = keys.map(|key| VerifierKey::parse(key.trim())).collect();
    let keys = keys.map_err(|why| Problem::malformed(format!("key: {why}")))?;
    let turn = app.audits.clone().try_acquire_owned();
    let turn = turn.map_err(|_| Problem::too_many("another audit is under way", 10))?;
    Ok(lines::answer(move |lines| async move {
        let _turn = turn;
        let trusted = Trusted {
            keys,
            published: Vec::new(),
        };
        let (mut told, progress) = (Instant::now(), lines.clone());
        let report = verify::verify(&app.log, &trusted, |done, of| {
            if told.elapsed() >= TELL {
                told = Instant::now();
                progress.offer(&json!({"done": done, "of": of}));
            }
        });
        match report.await {
            Ok(report) => lines.send(&json!({ "report": report })).await,
            Err(error) => lines.break_off(error).await,
        }
    }))
}
