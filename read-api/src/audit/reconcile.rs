//! Whether log, Kafka, read tables and policies agree, told as it is found out.

use std::sync::Arc;

use audit::reconcile::{Asked, Error, Policy, Reconciliation, Sources, Summary, Told};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use event_store::{Position, relay};
use futures::stream;
use serde::Deserialize;
use serde_json::json;
use service_kit::extract::Query;
use service_kit::problem::Problem;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::task::AbortOnDropHandle;
use utoipa::IntoParams;

use crate::{App, away};

/// How much may wait for the client.
const WAITING: usize = 256;
/// The most bytes that are sent together.
const SENT: usize = 64 * 1024;

/// What is compared beside the databases. One comparison runs at a time.
#[derive(Debug, Clone)]
pub struct Beside {
    kafka: Option<relay::Options>,
    policies: Arc<[Policy]>,
    turn: Arc<Semaphore>,
}

impl Beside {
    /// Where Kafka is, if anywhere, and which policies there are.
    pub fn of(kafka: Option<relay::Options>, policies: Vec<Policy>) -> Self {
        Self {
            kafka,
            policies: policies.into(),
            turn: Arc::new(Semaphore::new(1)),
        }
    }
}

/// Which positions are compared.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReconcileQuery {
    /// From this position on.
    #[param(minimum = 1)]
    from: Option<Position>,
    /// Up to this position.
    #[param(minimum = 1)]
    to: Option<Position>,
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
    let turn = Arc::clone(&app.beside.turn).try_acquire_owned();
    let turn = turn.map_err(|_| Problem::too_many("another comparison runs here", 10))?;
    let sources = Sources {
        log: app.log.clone(),
        read: app.read.clone(),
        kafka: app.beside.kafka.clone(),
        projections: Arc::clone(&app.projections),
        policies: Arc::clone(&app.beside.policies),
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
    let (sender, told) = mpsc::channel(WAITING);
    let sending = Sending {
        told,
        run: Some(AbortOnDropHandle::new(tokio::spawn(begun.run(sender)))),
        _turn: turn,
    };
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    let body = Body::from_stream(stream::try_unfold(sending, next));
    Ok((headers, body).into_response())
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

/// A comparison whose client listens; it ends when this is dropped.
struct Sending {
    told: mpsc::Receiver<Told>,
    run: Option<AbortOnDropHandle<Result<Summary, Error>>>,
    _turn: OwnedSemaphorePermit,
}

async fn next(mut sending: Sending) -> Result<Option<(Bytes, Sending)>, axum::Error> {
    let Some(first) = sending.told.recv().await else {
        let Some(run) = sending.run.take() else {
            return Ok(None);
        };
        let summary = match run.await {
            Ok(Ok(summary)) => summary,
            Ok(Err(error)) => return Err(broken(error)),
            Err(error) => return Err(broken(error)),
        };
        let last = json!({ "told": "summary", "summary": summary });
        return Ok(Some((format!("{last}\n").into(), sending)));
    };
    let mut lines = Vec::new();
    let mut told = Some(first);
    while let Some(one) = told {
        serde_json::to_writer(&mut lines, &one).map_err(axum::Error::new)?;
        lines.push(b'\n');
        told = match lines.len() < SENT {
            true => sending.told.try_recv().ok(),
            false => None,
        };
    }
    Ok(Some((lines.into(), sending)))
}

fn broken<E: std::error::Error + Send + Sync + 'static>(error: E) -> axum::Error {
    tracing::error!(%error, "a comparison of log, Kafka and tables breaks off");
    axum::Error::new(error)
}
