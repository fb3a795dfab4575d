//! What every HTTP service puts around its routes, and how it is served.

mod connections;
mod stalled;

use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Service;
use uuid::Uuid;

use crate::door::Door;
use crate::limits::Limits;
use crate::measure;
use crate::problem::Problem;
use crate::traces::Served;

/// The longest that a request may take, whatever it waits for.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(40);
/// How often what is counted of clients that ask no more is forgotten.
const TIDIED_EVERY: Duration = Duration::from_secs(60);
/// The header that names a request in answers and logs.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: the client's own when it is a fit one, else a new one.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The path of the route that takes a request, with its parameters unfilled: told from inside by
/// the route's guard, and still known when the handler panics or is late.
#[derive(Debug, Clone, Default)]
pub(crate) struct TakenBy(pub(crate) Arc<OnceLock<Arc<str>>>);

/// What every answer says to browsers: take it for what it says it is, show it in no frame, tell
/// nobody where you were, and come by TLS next time.
const SAFETY: [(HeaderName, HeaderValue); 5] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        header::STRICT_TRANSPORT_SECURITY,
        HeaderValue::from_static("max-age=31536000"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];
/// What a page of ours may load: nothing, but for the documents' page its own files.
const NO_PAGE: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
const DOCUMENTS: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'",
);

/// Serves `routes` on `listener` until `stop`, then lets open requests end. Unknown paths and
/// methods are problems, a panic is a `500` that is logged, every answer carries its request's id.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    door: &Door,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let routes = with_fallbacks(routes);
    let routes = match door.cors() {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    let (door, limits) = (Arc::new(door.clone()), door.limits());
    let tidied = limits.clone();
    // Around the router and not in layers, which every route would have a box of: they are cloned
    // with all that is in them, several times a request.
    let answer = move |mut request: Request, peer: SocketAddr| {
        let (routes, limits) = (routes.clone(), limits.clone());
        let client = door.client(peer.ip(), request.headers());
        async move {
            request.extensions_mut().insert(limits.clone());
            answer(routes, request, &limits, client).await
        }
    };
    let accepted = connections::accept(listener, answer, stop.clone());
    let tidy = async {
        while !stop.is_cancelled() {
            tokio::time::sleep(TIDIED_EVERY).await;
            tidied.forget();
        }
    };
    tokio::pin!(accepted);
    tokio::select! {
        ended = &mut accepted => ended,
        () = tidy => accepted.await,
    }
}

fn with_fallbacks(routes: Router) -> Router {
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
}

/// Answers one request of `client`, and says in answer, metrics and log which it was.
async fn answer(routes: Router, mut request: Request, limits: &Limits, client: IpAddr) -> Response {
    let given = request.headers().get(REQUEST_ID);
    let id = given
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (8..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
        })
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let taken_by = TakenBy::default();
    request.extensions_mut().insert(taken_by.clone());
    let method = request.method().clone();
    let span = Served::begin(&mut request);
    let began = Instant::now();
    let path = request.uri().path();
    let documents = path.starts_with("/docs");
    let mut response = match limits.of_address(client, path, !method.is_safe()) {
        Ok(()) => within_limit(routes, request).await,
        Err(problem) => problem.into_response(),
    };
    let status = response.status();
    let route = taken_by.0.get();
    measure::answered(&method, route, status, began.elapsed());
    if let Some(span) = span {
        span.end(method.as_str(), route.map(|route| &**route), status, &id);
    }
    if status.is_server_error() {
        tracing::warn!(request_id = id, %status, "answered");
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.extend(SAFETY);
    let policy = if documents { DOCUMENTS } else { NO_PAGE };
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    response
}

async fn within_limit(mut routes: Router, request: Request) -> Response {
    let response = AssertUnwindSafe(async move { routes.call(request).await }).catch_unwind();
    match tokio::time::timeout(REQUEST_LIMIT, response).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(panic)) => panicked(&*panic),
        Err(_) => Problem::unavailable("timed-out", "the request took too long", 1).into_response(),
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or_default();
    Problem::fault("a handler panicked", &text).into_response()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::limits::Rates;
    use axum::body::{Body, to_bytes};
    use axum::routing::get;

    async fn panics() -> StatusCode {
        panic!("the secret reason")
    }

    async fn ask(method: &str, path: &str) -> (Response, String) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(REQUEST_ID, "my-request-17");
        let routes = with_fallbacks(Router::new().route("/panic", get(panics)));
        let request = request.body(Body::empty()).unwrap();
        let limits = Limits::new(Rates::default());
        let response = answer(routes, request, &limits, [127, 0, 0, 1].into()).await;
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, 10_000).await.unwrap();
        let text = String::from_utf8(body.to_vec()).unwrap();
        (Response::from_parts(parts, Body::empty()), text)
    }

    #[tokio::test]
    async fn a_panic_is_a_500_that_does_not_tell_why() {
        let (response, body) = ask("GET", "/panic").await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(
            body.contains("/problems/fault") && !body.contains("secret"),
            "{body}"
        );
        assert_eq!(response.headers()[REQUEST_ID], "my-request-17");
        for (name, value) in SAFETY {
            assert_eq!(response.headers()[name], value);
        }
    }

    #[tokio::test]
    async fn unknown_paths_and_methods_are_problems_with_their_request() {
        for (method, path, status) in [("GET", "/nothing", 404), ("POST", "/panic", 405)] {
            let (response, body) = ask(method, path).await;
            assert_eq!(response.status().as_u16(), status, "{body}");
            assert_eq!(response.headers()[REQUEST_ID], "my-request-17");
        }
    }
}
