//! Reading bodies and parameters strictly: what can't be read is a problem document.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use crate::problem::{FieldError, Problem};

/// The largest body of a command, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// How long a client may take to send one.
const BODY_LIMIT: Duration = Duration::from_secs(10);

/// A JSON body. Malformed is `400`, another media type `415`, too large `413`; a wrong type or an
/// unknown field is `422` with a pointer to it.
#[derive(Debug, Clone)]
pub struct JsonBody<T> {
    /// What the body says.
    pub value: T,
    /// The body itself.
    pub bytes: Bytes,
}

impl<T: DeserializeOwned> JsonBody<T> {
    /// The body of a request with these `headers`.
    ///
    /// # Errors
    /// See [`JsonBody`].
    pub async fn read(headers: &HeaderMap, body: Body) -> Result<Self, Problem> {
        check_media_type(headers)?;
        let bytes = read_bytes(body).await?;
        let value = parse(&bytes)?;
        Ok(Self { value, bytes })
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        Self::read(&parts.headers, body).await
    }
}

/// The absence of a body: a command that says all by its path. `{}` is let pass too.
#[derive(Debug, Clone, Copy)]
pub struct NoBody;

impl NoBody {
    /// Makes sure that `body` says nothing.
    ///
    /// # Errors
    /// The same as of a [`JsonBody`] without fields.
    pub async fn read(body: Body) -> Result<Self, Problem> {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        let bytes = read_bytes(body).await?;
        if !bytes.is_empty() {
            let Nothing {} = parse(&bytes)?;
        }
        Ok(Self)
    }
}

async fn read_bytes(body: Body) -> Result<Bytes, Problem> {
    let mut request = Request::new(body);
    DefaultBodyLimit::max(MAX_BODY).apply(&mut request);
    let read = timeout(BODY_LIMIT, Bytes::from_request(request, &())).await;
    let read = read.map_err(|_| {
        let detail = "the body took too long to come";
        Problem::new(StatusCode::REQUEST_TIMEOUT, "body-timed-out", detail)
    })?;
    read.map_err(|error| match error {
        BytesRejection::FailedToBufferBody(error)
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE =>
        {
            let detail = format!("a body has {MAX_BODY} bytes at most");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail)
        }
        error => Problem::malformed(error.body_text()),
    })
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or(value).trim());
    match media_type {
        Some(media_type) if media_type.eq_ignore_ascii_case("application/json") => Ok(()),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "a body is application/json",
        )),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    // A wrong body is read twice, so that a right one pays nothing for knowing where it is wrong.
    serde_json::from_slice(bytes).or_else(|_| explain(bytes))
}

/// [`parse`], with a pointer to the field that can't be read.
fn explain<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let pointer = pointer(error.path());
        let inner = error.into_inner();
        match inner.classify() {
            serde_json::error::Category::Data => Problem::validation(vec![FieldError {
                pointer,
                detail: without_place(&inner),
            }]),
            _ => Problem::malformed(format!("the body is not JSON: {inner}")),
        }
    })?;
    json.end()
        .map_err(|error| Problem::malformed(format!("the body is not JSON: {error}")))?;
    Ok(value)
}

/// The message less the line and column that serde_json puts behind it.
fn without_place(error: &serde_json::Error) -> String {
    let message = error.to_string();
    match message.rfind(" at line ") {
        Some(end) => message[..end].to_owned(),
        None => message,
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { variant } => pointer.push_str(&format!("/{variant}")),
            Segment::Unknown => {}
        }
    }
    pointer
}

/// A path whose parameters can be read; `404` when they can't, since no such thing is there.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::not_found(error.body_text())),
        }
    }
}

/// Query parameters; an unknown or unreadable one is `400`.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Query::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Query(value)) => Ok(Self(value)),
            Err(error) => {
                let detail = error.body_text();
                Err(Problem::new(
                    StatusCode::BAD_REQUEST,
                    "unknown-parameter",
                    detail,
                ))
            }
        }
    }
}
