//! What a process measures, for Prometheus: collected here, told at `/metrics`.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use metrics::{Unit, describe_histogram, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio_util::sync::CancellationToken;

use crate::process;

/// The buckets of how long something took, in seconds: a request may take 40.
const DURATIONS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 40.0,
];
/// The buckets of how late something is, in seconds: what is away is waited for.
const DELAYS: &[f64] = &[
    0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0,
    1_800.0,
];
/// The buckets of how many there were.
const COUNTS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 2_048.0, 5_000.0,
];
/// Until they are put into buckets, values are kept one by one.
const UPKEEP: Duration = Duration::from_secs(1);
/// The route of a request that none of an API's took: health, documents, what is not found.
const NO_ROUTE: &str = "other";

type Look = Arc<dyn Fn() + Send + Sync>;

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
    looks: Vec<Look>,
}

impl Metrics {
    /// Collects them from now on. What is counted before is lost.
    ///
    /// # Errors
    /// When the process collects them already.
    pub fn collect() -> Result<Self, BuildError> {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_duration_seconds".to_owned()), DURATIONS)?
            .set_buckets_for_metric(Matcher::Suffix("_delay_seconds".to_owned()), DELAYS)?
            .set_buckets(COUNTS)?
            .install_recorder()?;
        describe_histogram!(
            "comptoir_http_request_duration_seconds",
            Unit::Seconds,
            "How long requests took, by method, route and status."
        );
        let looks = Vec::new();
        Ok(Self { handle, looks })
    }

    /// Has `look` set gauges whenever the metrics are asked for.
    pub fn looking(mut self, look: impl Fn() + Send + Sync + 'static) -> Self {
        self.looks.push(Arc::new(look));
        self
    }

    /// All of them, as Prometheus reads them.
    pub fn text(&self) -> String {
        for look in &self.looks {
            look();
        }
        let mut text = self.handle.render();
        process::append_to(&mut text);
        text
    }

    /// Puts values into their buckets again and again, until `stop`: nobody may ask for them.
    ///
    /// # Errors
    /// None.
    pub async fn upkeep(self, stop: CancellationToken) -> Result<(), std::convert::Infallible> {
        let mut ticks = tokio::time::interval(UPKEEP);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            self.handle.run_upkeep();
        }
        Ok(())
    }
}

/// A request was answered.
pub(crate) fn answered(
    method: &Method,
    route: Option<&Arc<str>>,
    status: StatusCode,
    took: Duration,
) {
    let route = route.map_or(NO_ROUTE.into(), |route| {
        metrics::SharedString::from(Arc::clone(route))
    });
    histogram!(
        "comptoir_http_request_duration_seconds",
        "method" => name(method), "route" => route, "status" => status.as_u16().to_string()
    )
    .record(took);
}

/// A client may send any word for a method.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
