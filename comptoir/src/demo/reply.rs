//! What an answer of the server means to the play.

use anyhow::{Context, bail};
use reqwest::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::outcome::Outcome;

/// An answer as it came.
pub(super) struct Raw {
    pub(super) status: StatusCode,
    pub(super) token: Option<String>,
    pub(super) body: Vec<u8>,
}

/// What an answer means.
pub(super) enum Reply {
    /// The command was decided.
    Decided { outcome: Outcome, id: Option<Uuid> },
    /// The server can't say now: the same request is sent again.
    Later(String),
    /// The access token is no good: sign in, then send the same request again.
    SignIn,
}

#[derive(Deserialize)]
struct Created {
    id: Uuid,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    detail: String,
    errors: Vec<FieldError>,
}

#[derive(Deserialize)]
struct FieldError {
    pointer: String,
    detail: String,
}

/// Reads an answer.
///
/// # Errors
/// When a right play never gets such an answer.
pub(super) fn read(raw: &Raw) -> anyhow::Result<Reply> {
    match raw.status {
        status if status.is_success() => {
            let body = String::from_utf8_lossy(&raw.body);
            let created: Created = serde_json::from_str(&body)
                .with_context(|| format!("the server answered {status} without an id: {body}"))?;
            let (outcome, id) = (Outcome::Accepted, Some(created.id));
            Ok(Reply::Decided { outcome, id })
        }
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => refusal(raw),
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
            Ok(Reply::Later(told(raw)))
        }
        StatusCode::UNAUTHORIZED => Ok(Reply::SignIn),
        _ => bail!("the server answered {}", told(raw)),
    }
}

/// A refusal by a rule of the domain. A `422` about anything but the body (a header such as
/// `Occurred-At`, a key used twice) is a fault of the play or of the server and stops it.
fn refusal(raw: &Raw) -> anyhow::Result<Reply> {
    let problem = problem(raw);
    let code = problem.kind.rsplit('/').next().unwrap_or_default();
    let of_the_body = problem
        .errors
        .iter()
        .all(|error| error.pointer.starts_with('/'));
    let invalid = raw.status == StatusCode::UNPROCESSABLE_ENTITY;
    if code.is_empty() || (invalid && (problem.errors.is_empty() || !of_the_body)) {
        bail!("the server answered {}", told(raw));
    }
    Ok(Reply::Decided {
        outcome: Outcome::refused(code),
        id: None,
    })
}

/// An answer in a few words.
pub(super) fn told(raw: &Raw) -> String {
    let problem = problem(raw);
    let mut told = raw.status.to_string();
    for part in [problem.kind, problem.detail] {
        if !part.is_empty() {
            told = format!("{told}: {part}");
        }
    }
    for error in problem.errors {
        told = format!("{told}; {}: {}", error.pointer, error.detail);
    }
    told
}

fn problem(raw: &Raw) -> Problem {
    // What is not a problem document has nothing to add to its status.
    serde_json::from_slice(&raw.body).unwrap_or_default()
}
