//! Answers of queries: with an entity tag, and `304` for a client that has it already.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use service_kit::conditional::none_match;
use service_kit::problem::Problem;
use sha2::{Digest, Sha256};

use crate::as_of;

/// What JSON mostly fits into, as it is written.
const USUAL: usize = 512;

/// The answers that the client has already: its `If-None-Match`.
#[derive(Debug, Clone)]
pub struct Known {
    tags: Vec<HeaderValue>,
    /// Whether it asks about a past moment, whose answers have tags of their own: no version of
    /// them is one to expect in a command.
    is_past: bool,
}

impl<S: Sync> FromRequestParts<S> for Known {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let tags = parts.headers.get_all(header::IF_NONE_MATCH);
        Ok(Self {
            tags: tags.iter().cloned().collect(),
            is_past: as_of::is_asked(&parts.uri),
        })
    }
}

/// Answers with something that has a version, and shows nothing but its own stream: the tag is
/// `"<version>"`, as a command's.
///
/// # Errors
/// `500` when `body` can't be written as JSON.
pub fn versioned(known: &Known, version: i64, body: &impl Serialize) -> Result<Response, Problem> {
    let body = json(body)?;
    Ok(tagged(known, format!("\"{version}\""), body))
}

/// Answers with something that has a version and shows more than its own stream: the tag is
/// `"<version>.<digest>"`, of which a command's `If-Match` takes the version.
///
/// # Errors
/// As [`versioned`].
pub fn versioned_view(
    known: &Known,
    version: i64,
    body: &impl Serialize,
) -> Result<Response, Problem> {
    let body = json(body)?;
    let tag = format!("\"{version}.{}\"", digest(&body));
    Ok(tagged(known, tag, body))
}

/// Answers with something that has no version: the tag is a digest.
///
/// # Errors
/// As [`versioned`].
pub fn view(known: &Known, body: &impl Serialize) -> Result<Response, Problem> {
    let body = json(body)?;
    let tag = format!("\"{}\"", digest(&body));
    Ok(tagged(known, tag, body))
}

fn json(body: &impl Serialize) -> Result<Vec<u8>, Problem> {
    let mut json = Vec::with_capacity(USUAL);
    match serde_json::to_writer(&mut json, body) {
        Ok(()) => Ok(json),
        Err(error) => Err(Problem::fault("an answer can't be written", &error)),
    }
}

fn digest(body: &[u8]) -> String {
    let digest = Sha256::digest(body);
    let mut text = String::with_capacity(24);
    for byte in &digest[..12] {
        for half in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(half.into(), 16));
        }
    }
    text
}

fn tagged(known: &Known, tag: String, body: Vec<u8>) -> Response {
    let tag = match known.is_past {
        true => format!("\"as-of.{}\"", digest(&body)),
        false => tag,
    };
    let mut response = match none_match(&known.tags, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => {
            let media_type = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, media_type)], body).into_response()
        }
    };
    let answer = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(header::ETAG, tag);
    }
    let revalidate = HeaderValue::from_static("private, no-cache");
    answer.insert(header::CACHE_CONTROL, revalidate);
    let vary = HeaderValue::from_static("authorization, cookie");
    answer.insert(header::VARY, vary);
    response
}
