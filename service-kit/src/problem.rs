//! Problem documents (RFC 9457): what a client gets that asked for something it can't have.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::decider::{Kind, Rejection};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What problem types are relative to; each has a page of `docs/errors`.
pub const TYPE_BASE: &str = "/problems/";

/// A problem document.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// The stable name of the problem, such as `/problems/no-room-available`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the status means.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The fields that are wrong (status 422).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// More that a client may need, by problem type.
    #[serde(flatten)]
    #[schema(ignore)]
    pub details: Map<String, Value>,
    #[serde(skip)]
    #[schema(ignore)]
    retry_after: Option<u32>,
}

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer (RFC 6901) into the body, or the name of a header or parameter.
    pub pointer: String,
    /// What is wrong with it.
    pub detail: String,
}

impl Problem {
    /// A problem of `status` named `code`.
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("{TYPE_BASE}{code}"),
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            details: Map::new(),
            retry_after: None,
        }
    }

    /// `400`: the request can't be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", detail)
    }

    /// `401`: nobody is signed in, or the token is no good.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// `403`: not for this caller.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// `404`: there is nothing at this path.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    /// `404`: there is no such thing; `code` is the domain's own for it.
    pub fn unknown(code: &str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// `412`: the resource has moved on.
    pub fn stale(expected: u64, actual: u64) -> Self {
        let detail = format!("the version is {actual}, not {expected}");
        Self::new(StatusCode::PRECONDITION_FAILED, "stale-version", detail)
    }

    /// `422`: one field is wrong.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let (pointer, detail) = (pointer.into(), detail.into());
        Self::validation(vec![FieldError { pointer, detail }])
    }

    /// `422`: fields are wrong.
    pub fn validation(errors: Vec<FieldError>) -> Self {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let detail = "the request has fields that can't be right";
        Self {
            errors,
            ..Self::new(status, "validation", detail)
        }
    }

    /// `429`: too often; try again after `seconds`.
    pub fn too_many(detail: impl Into<String>, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail)
        }
    }

    /// `503`: not now; try again after `seconds`.
    pub fn unavailable(code: &str, detail: impl Into<String>, seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        }
    }

    /// `503`: the table of persons' keys lacks one that something was sealed with. The operator is
    /// told by the log, and restores it.
    pub fn person_keys_missing(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "personal data can't be opened");
        let detail = "the keys to personal data are not restored yet";
        Self::unavailable("person-keys-missing", detail, 60)
    }

    /// `500`: a fault of ours. The cause goes to the log under `what`, and not to the client.
    pub fn fault(what: &str, cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "{what}");
        let detail = "this is our fault, not yours; it has been noted";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "fault", detail)
    }

    /// The problem that a refusal of the domain is: the one place where the domain's refusals
    /// become statuses.
    pub fn rejected(rejection: &dyn Rejection) -> Self {
        let verdict = rejection.verdict();
        let detail = rejection.to_string();
        let mut problem = match verdict.kind {
            Kind::Unknown => Self::new(StatusCode::NOT_FOUND, verdict.code, detail),
            Kind::Forbidden => Self::new(StatusCode::FORBIDDEN, verdict.code, detail),
            Kind::Invalid(pointer) => Self::invalid(pointer, detail),
            Kind::Refused => Self::new(StatusCode::CONFLICT, verdict.code, detail),
        };
        if let Value::Object(details) = verdict.details {
            problem.details = details;
        }
        problem
    }

    /// The last part of its type.
    pub fn code(&self) -> &str {
        self.kind.trim_start_matches(TYPE_BASE)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(&self)).into_response();
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, media_type);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
