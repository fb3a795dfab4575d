//! Conditional requests (RFC 9110 §13): If-Match on commands, If-None-Match on queries.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::problem::Problem;

/// The version that `If-Match` names. An entity tag is `"<version>"`, or `"<version>.<digest>"`
/// where a representation shows more than its own stream; `*` names none.
///
/// # Errors
/// `400` when it is not one such tag.
pub fn if_match(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(text) = single(headers, &header::IF_MATCH)? else {
        return Ok(None);
    };
    if text == "*" {
        return Ok(None);
    }
    text.strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .map(|tag| tag.split_once('.').map_or(tag, |(version, _)| version))
        .filter(|version| version.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|version| version.parse().ok())
        .map(Some)
        .ok_or_else(|| Problem::malformed("If-Match is one entity tag, \"<version>\""))
}

/// Whether one of the `values` of `If-None-Match` names `etag` (quoted), so that `304` says all.
pub fn none_match(values: &[HeaderValue], etag: &str) -> bool {
    let mut tags = values
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim);
    tags.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// The one value of a header that may come once.
///
/// # Errors
/// `400` when it comes twice or is not text.
pub fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Problem::malformed(format!("{name} may come once")));
    }
    let text = value
        .to_str()
        .map_err(|_| Problem::malformed(format!("{name} is not text")))?;
    Ok(Some(text.trim()))
}
