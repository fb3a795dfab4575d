//! `/livez`, `/readyz`, `/metrics` and `/api/health`.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value, json};
use sqlx::PgPool;

use crate::measure::Metrics;

type Answer = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;
type Check = Arc<dyn Fn() -> Answer + Send + Sync>;

/// What must be well for a service to be ready.
#[derive(Clone, Default)]
pub struct Health {
    checks: Vec<(&'static str, Check)>,
}

impl Health {
    /// Adds a check; it gives what is so, or what is wrong.
    pub fn check<F>(
        mut self,
        name: &'static str,
        check: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<String, String>> + Send + 'static,
    {
        self.checks
            .push((name, Arc::new(move || Box::pin(check()))));
        self
    }

    /// Adds a check that the database answers.
    pub fn database(self, name: &'static str, pool: PgPool) -> Self {
        self.check(name, move || {
            let pool = pool.clone();
            async move {
                match sqlx::query("SELECT 1").execute(&pool).await {
                    Ok(_) => Ok("answers".to_owned()),
                    Err(error) => Err(format!("is away: {error}")),
                }
            }
        })
    }

    async fn report(&self) -> (bool, Map<String, Value>) {
        let mut ready = true;
        let mut report = Map::new();
        for (name, check) in &self.checks {
            let outcome = check().await;
            ready &= outcome.is_ok();
            let said = outcome.unwrap_or_else(|wrong| wrong);
            report.insert((*name).to_owned(), said.into());
        }
        (ready, report)
    }

    /// The routes: alive as long as it answers; ready when every check is well.
    pub fn routes(self, metrics: Option<Metrics>) -> Router {
        let health = self.clone();
        Router::new()
            .route("/livez", get(|| async { "alive\n" }))
            .route("/readyz", get(move || answer(self.clone())))
            .route("/api/health", get(move || answer(health.clone())))
            .route(
                "/metrics",
                get(move || async move { metrics.map(|metrics| metrics.text()).unwrap_or_default() }),
            )
    }
}

async fn answer(health: Health) -> Response {
    let (ready, report) = health.report().await;
    let status = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let word = if ready { "ready" } else { "not ready" };
    (
        status,
        axum::Json(json!({ "status": word, "checks": report })),
    )
        .into_response()
}
