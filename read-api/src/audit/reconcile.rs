//! Whether log, Kafka, read tables and policies agree, told as it is found out.

use audit::reconcile::{Asked, Error, Reconciliation, Sources};
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use service_kit::extract::Query;
use service_kit::problem::Problem;
use tokio::sync::mpsc;
use utoipa::IntoParams;

use super::lines;
use crate::{App, away};

/// How much may wait for the client.
const WAITING: usize = 256;

/// Which positions are compared.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReconcileQuery {
    /// From this position on.
    #[param(minimum = 1)]
    from: Option<i64>,
    /// Up to this position.
    #[param(minimum = 1)]
    to: Option<i64>,
    /// Tells every position, a line each.
    #[serde(default)]
    all: bool,
}

/// Compares the log with Kafka, the read tables and the policies, while everything runs. Lines of
/// JSON are sent as it goes: how far it is, what is wrong, and the summary last; an answer without
/// one has broken off. It ends when the client goes away.
#[utoipa::path(get, path = "/api/audit/reconcile", tag = "audit", params(ReconcileQuery),
    responses((status = 200, content_type = "application/x-ndjson", body = String),
        (status = 400, body = Problem), (status = 429, body = Problem),
        (status = 503, body = Problem)))]
pub async fn reconcile(
    State(app): State<App>,
    Query(asked): Query<ReconcileQuery>,
) -> Result<Response, Problem> {
    let turn = app.audits.clone().try_acquire_owned();
    let turn = turn.map_err(|_| Problem::too_many("another audit is under way", 10))?;
    let sources = Sources {
        log: app.log,
        read: app.read,
        kafka: app.kafka,
        projections: app.projections,
        policies: app.policies,
    };
    let asked = Asked {
        from: asked.from,
        to: asked.to,
        all: asked.all,
        ..Asked::default()
    };
    // What goes wrong at once is still a problem document.
    let begun = Reconciliation::begin(sources, asked).await;
    let begun = begun.map_err(problem)?;
    Ok(lines::answer(move |lines| async move {
        let _turn = turn;
        let (sender, mut all) = mpsc::channel(WAITING);
        let passed_on = async {
            while let Some(told) = all.recv().await {
                lines.send(&told).await;
            }
        };
        match tokio::join!(begun.run(sender), passed_on).0 {
            Ok(summary) => {
                lines
                    .send(&json!({ "told": "summary", "summary": summary }))
                    .await
            }
            Err(error) => lines.break_off(error).await,
        }
    }))
}

fn problem(error: Error) -> Problem {
    if error.is_away() {
        tracing::warn!(%error, "a database is away");
        return away();
    }
    match error {
        Error::Range { .. } => Problem::malformed(error.to_string()),
        Error::Kafka(_) | Error::NoTopics { .. } | Error::Partitions { .. } => {
            Problem::unavailable("kafka-away", error.to_string(), 5)
        }
        error => Problem::fault("log, Kafka and tables can't be compared", &error),
    }
}
