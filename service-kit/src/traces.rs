//! Traces of a process: W3C Trace Context in, OTLP out.
//!
//! A process exports spans when `OTEL_EXPORTER_OTLP_ENDPOINT` is set, by the standard's variables.
//! Where a request brings a `traceparent`, its flag decides whether it is sampled; else a lot does. A
//! collector that is away costs the spans that do not fit into the exporter's queue, and nothing else.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanKind, Status, TraceContextExt, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::{HeaderExtractor, HeaderInjector, HttpClient, HttpError, Response};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider, Span};
use tokio::runtime::Handle;

/// How many of the requests without a `traceparent` are sampled, unless told otherwise.
const RATIO: f64 = 0.01;
/// The longest that one export may take.
const EXPORT_LIMIT: Duration = Duration::from_secs(10);
/// The longest that a process that ends waits for its last export.
const LAST_EXPORT_LIMIT: Duration = Duration::from_secs(2);

/// Set once, in a process that exports.
static TRACES: OnceLock<Traces> = OnceLock::new();

struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// Why traces can't be exported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What the variables say is no way to a collector.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT: {0}")]
    Exporter(#[from] ExporterBuildError),
    /// No HTTP client can be made.
    #[error("the exporter of traces: {0}")]
    Client(#[from] reqwest::Error),
    /// The ratio is no number from 0 to 1.
    #[error("OTEL_TRACES_SAMPLER_ARG is a number from 0 to 1, not {0}")]
    Ratio(String),
}

/// Exports the traces of this process, the service of this name, from now on; if it is told where
/// to.
///
/// # Errors
/// When a variable is no good.
pub fn start(service: &'static str) -> Result<(), Error> {
    let endpoints = [
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];
    let disabled = told("OTEL_SDK_DISABLED").is_some_and(|word| word.eq_ignore_ascii_case("true"));
    if disabled || endpoints.into_iter().find_map(told).is_none() {
        return Ok(());
    }
    let client = Client {
        http: reqwest::Client::builder().timeout(EXPORT_LIMIT).build()?,
        runtime: Handle::current(),
        away: AtomicBool::new(false),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .build()?;
    let mut resource = Resource::builder();
    if told("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name(service);
    }
    let mut provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource.build());
    if told("OTEL_TRACES_SAMPLER").is_none() {
        let by_lot = Sampler::TraceIdRatioBased(ratio()?);
        provider = provider.with_sampler(Sampler::ParentBased(Box::new(by_lot)));
    }
    let provider = provider.build();
    global::set_text_map_propagator(TraceContextPropagator::new());
    global::set_tracer_provider(provider.clone());
    let tracer = provider.tracer("comptoir");
    // A second start in one process changes nothing.
    let _already = TRACES.set(Traces { provider, tracer });
    Ok(())
}

/// Exports what there is of spans, and no more from then on. A collector that is away is not waited
/// for.
pub async fn end() {
    let exported = tokio::task::spawn_blocking(|| {
        TRACES
            .get()
            .map(|traces| traces.provider.shutdown_with_timeout(LAST_EXPORT_LIMIT))
    });
    if let Ok(Some(Err(error))) = exported.await {
        tracing::debug!(%error, "the last spans were not exported");
    }
}

/// A variable that is set and not empty.
fn told(variable: &str) -> Option<String> {
    std::env::var(variable)
        .ok()
        .filter(|value| !value.trim().is_empty())
}

fn ratio() -> Result<f64, Error> {
    let Some(text) = told("OTEL_TRACES_SAMPLER_ARG") else {
        return Ok(RATIO);
    };
    let ratio = text.trim().parse().ok();
    ratio
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or(Error::Ratio(text))
}

/// The span of a request, from its arrival to its answer.
pub(crate) struct Served(Span);

impl Served {
    /// Begins the span of a request to an API that is sampled; from here on the request's
    /// `traceparent` is that span.
    pub(crate) fn begin(request: &mut Request) -> Option<Self> {
        let traces = TRACES.get()?;
        if !request.uri().path().starts_with("/api/") {
            return None;
        }
        let parent = TraceContextPropagator::new().extract(&HeaderExtractor(request.headers()));
        let method = request.method().to_string();
        let span = SpanBuilder::from_name(method)
            .with_kind(SpanKind::Server)
            .start_with_context(&traces.tracer, &parent);
        if !span.is_recording() {
            return None;
        }
        let own = Context::new().with_remote_span_context(span.span_context().clone());
        let mut headers = HeaderInjector(request.headers_mut());
        TraceContextPropagator::new().inject_context(&own, &mut headers);
        Some(Self(span))
    }

    /// Ends it with what came of the request.
    pub(crate) fn end(mut self, method: &str, route: Option<&str>, status: StatusCode, id: &str) {
        if let Some(route) = route {
            self.0.update_name(format!("{method} {route}"));
            self.0
                .set_attribute(KeyValue::new("http.route", route.to_owned()));
        }
        self.0.set_attributes([
            KeyValue::new("http.request.method", method.to_owned()),
            KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
            KeyValue::new("comptoir.request_id", id.to_owned()),
        ]);
        if status.is_server_error() {
            self.0.set_status(Status::error(status.as_str().to_owned()));
        }
    }
}

/// What brings spans to the collector. The exporter has a thread without a runtime, so requests are
/// made on the process's own.
#[derive(Debug)]
struct Client {
    http: reqwest::Client,
    runtime: Handle,
    away: AtomicBool,
}

#[async_trait]
impl HttpClient for Client {
    async fn send_bytes(
        &self,
        request: axum::http::Request<Bytes>,
    ) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let sent = self.runtime.spawn(async move {
            let answer = http.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                *headers = answer.headers().clone();
            }
            Ok::<_, HttpError>(response.body(answer.bytes().await?)?)
        });
        let answer = sent.await.map_err(HttpError::from).flatten();
        let away = !answer
            .as_ref()
            .is_ok_and(|answer| answer.status().is_success());
        if self.away.swap(away, Ordering::Relaxed) != away {
            match (&answer, away) {
                (_, false) => tracing::info!("the collector of traces takes spans again"),
                (Ok(answer), true) => {
                    tracing::warn!(status = %answer.status(), "the collector of traces takes no spans; they are dropped");
                }
                (Err(error), true) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "the collector of traces is away; spans are dropped"
                    );
                }
            }
        }
        answer
    }
}
