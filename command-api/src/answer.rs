//! The answer to a command that was carried out, as it is given and as it is kept for retries.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use service_kit::consistency::{CONSISTENCY_TOKEN, ConsistencyToken};
use uuid::Uuid;

use crate::request::{IDEMPOTENCY_REPLAYED, LOCATION};

/// About as many headers as an answer has, those that every answer has among them.
const MOST_HEADERS: usize = 8;

/// The answer to a command that was carried out.
#[derive(Debug)]
pub struct Answer {
    pub(crate) stored: Stored,
    /// What a query has to bring to see it.
    pub(crate) token: ConsistencyToken,
    /// Whether it was given before.
    pub(crate) replayed: bool,
}

/// What is kept of an answer for retries: ids, versions and amounts.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) id: Uuid,
    pub(crate) version: u64,
    pub(crate) created_under: Option<Cow<'static, str>>,
    /// See [`members`].
    #[serde(default)]
    pub(crate) more: Box<RawValue>,
}

impl Stored {
    /// The answer's body: id and version, and then the members of `more`.
    fn body(&self) -> String {
        let (id, version) = (self.id, self.version);
        let members = self.more.get().strip_prefix('{').map(str::trim_start);
        match members {
            None | Some("}") => format!(r#"{{"id":"{id}","version":{version}}}"#),
            Some(members) => format!(r#"{{"id":"{id}","version":{version},{members}"#),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let body = self.stored.body();
        let Stored {
            id,
            version,
            created_under,
            ..
        } = self.stored;
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = match created_under {
            Some(_) => StatusCode::CREATED,
            None => StatusCode::OK,
        };
        let headers = response.headers_mut();
        headers.reserve(MOST_HEADERS);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        let mut put = |name, value: String| {
            // Ids, numbers and base64 are all visible ASCII.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        };
        put(header::ETAG, format!("\"{version}\""));
        put(CONSISTENCY_TOKEN, self.token.encode());
        if let Some(path) = created_under {
            put(LOCATION, format!("{path}/{id}"));
        }
        if self.replayed {
            let replayed = HeaderValue::from_static("true");
            headers.insert(IDEMPOTENCY_REPLAYED, replayed);
        }
        response
    }
}

/// What a decision gave, as a JSON object that is written once and then copied: into the log and
/// into answers. Nothing is one without members.
pub(crate) fn members<T: Serialize>(more: &T) -> Result<Box<RawValue>, serde_json::Error> {
    let more = to_raw_value(more)?;
    match more.get() {
        "null" => RawValue::from_string("{}".to_owned()),
        _ => Ok(more),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use serde_json::json;

    fn stored(json: &str) -> Stored {
        let head =
            r#"{"id":"00000000-0000-0000-0000-000000000007","version":3,"created_under":null"#;
        serde_json::from_str(&format!("{head}{json}}}")).unwrap()
    }

    #[test]
    fn the_body_has_id_version_and_what_was_decided() {
        for more in [r#"{"status":"confirmed"}"#, r#"{ "status": "confirmed" }"#] {
            let stored = stored(&format!(r#","more":{more}"#));
            let body: serde_json::Value = serde_json::from_str(&stored.body()).unwrap();
            let id = "00000000-0000-0000-0000-000000000007";
            let wanted = json!({ "id": id, "version": 3, "status": "confirmed" });
            assert_eq!(body, wanted, "{more}");
        }
    }

    #[test]
    fn where_nothing_more_was_decided_it_has_id_and_version() {
        let wanted = r#"{"id":"00000000-0000-0000-0000-000000000007","version":3}"#;
        for json in ["", r#","more":{}"#, r#","more":{ }"#] {
            assert_eq!(stored(json).body(), wanted, "{json}");
        }
    }

    #[test]
    fn what_is_kept_is_given_again_byte_for_byte() {
        let first = Stored {
            more: members(&json!({ "z": 1.50, "a": [1, 2] })).unwrap(),
            ..stored("")
        };
        let kept = serde_json::to_string(&first).unwrap();
        let again: Stored = serde_json::from_str(&kept).unwrap();
        assert_eq!(again.body(), first.body());
        assert_eq!(members(&()).unwrap().get(), "{}");
    }
}
