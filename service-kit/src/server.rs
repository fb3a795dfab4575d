//! What every HTTP service puts around its routes, and how it is served.

use std::any::Any;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use uuid::Uuid;

use crate::extract::MAX_BODY;
use crate::problem::Problem;

/// The longest that a request may take, whatever it waits for.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(40);
/// The header that names a request in answers and logs.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: the client's own when it is a fit one, else a new one.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Wraps `routes`: unknown paths and methods are problems, bodies are bounded, a panic is a `500`
/// that is logged, every answer carries its request's id.
pub fn wrap(routes: Router) -> Router {
    routes
        .fallback(|| async { Problem::not_found("there is nothing at this path") })
        .method_not_allowed_fallback(|| async {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            Problem::new(
                status,
                "method-not-allowed",
                "this path does not take this method",
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(axum::middleware::from_fn(limit_time))
        .layer(axum::middleware::from_fn(identify))
}

/// Serves `routes` on `listener` until `stop`, then lets open requests end.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    stop: CancellationToken,
) -> std::io::Result<()> {
    axum::serve(listener, routes)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
}

async fn identify(mut request: Request, next: Next) -> Response {
    let given = request.headers().get(REQUEST_ID);
    let id = given
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (8..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
        })
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    let mut response = next.run(request).await;
    let status = response.status();
    metrics::counter!("comptoir_http_requests_total", "method" => method.to_string(), "status" => status.as_u16().to_string()).increment(1);
    if status.is_server_error() {
        tracing::warn!(request_id = id, %status, "answered");
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    let nosniff = HeaderValue::from_static("nosniff");
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, nosniff);
    response
}

async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_LIMIT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable("timed-out", "the request took too long", 1).into_response(),
    }
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
        .unwrap_or_default();
    Problem::fault("a handler panicked", &text).into_response()
}
