//! Answers of queries: with an entity tag, and `304` for a client that has it already.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use service_kit::conditional::none_match;
use service_kit::problem::Problem;
use sha2::{Digest, Sha256};

/// Answers with something that has a version, and shows nothing but its own stream: the tag is
/// `"<version>"`, as a command's.
///
/// # Errors
/// `500` when `body` can't be written as JSON.
pub fn versioned(
    headers: &HeaderMap,
    version: i64,
    body: &impl Serialize,
) -> Result<Response, Problem> {
    Ok(tagged(headers, &format!("\"{version}\""), json(body)?))
}

/// Answers with something that has a version and shows more than its own stream: the tag is
/// `"<version>.<digest>"`, of which a command's `If-Match` takes the version.
///
/// # Errors
/// As [`versioned`].
pub fn versioned_view(
    headers: &HeaderMap,
    version: i64,
    body: &impl Serialize,
) -> Result<Response, Problem> {
    let body = json(body)?;
    let tag = format!("\"{version}.{}\"", digest(&body));
    Ok(tagged(headers, &tag, body))
}

/// Answers with something that has no version: the tag is a digest.
///
/// # Errors
/// As [`versioned`].
pub fn view(headers: &HeaderMap, body: &impl Serialize) -> Result<Response, Problem> {
    let body = json(body)?;
    let tag = format!("\"{}\"", digest(&body));
    Ok(tagged(headers, &tag, body))
}

fn json(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|error| Problem::fault("an answer can't be written", &error))
}

fn digest(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    digest[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn tagged(headers: &HeaderMap, tag: &str, body: Vec<u8>) -> Response {
    let mut response = match none_match(headers, tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            let media_type = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, media_type)], body).into_response()
        }
    };
    let answer = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        answer.insert(header::ETAG, tag);
    }
    let revalidate = HeaderValue::from_static("private, no-cache");
    answer.insert(header::CACHE_CONTROL, revalidate);
    let vary = HeaderValue::from_static("authorization");
    answer.insert(header::VARY, vary);
    response
}
