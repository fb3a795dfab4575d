//! Cursors: from where a list goes on.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use service_kit::problem::Problem;

use super::order::{Mark, Order};

/// The last row that was given, of which list and in which order. Its text is opaque to clients:
/// base64url of JSON. It lets nobody see more: whose rows they are is asked of every page anew.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cursor {
    list: String,
    ordering: String,
    after: Mark,
}

/// The text of the cursor after `mark` of `list`.
///
/// # Errors
/// `500` when it can't be written.
pub(super) fn write(list: &str, order: &Order, mark: Mark) -> Result<String, Problem> {
    let cursor = Cursor {
        list: list.to_owned(),
        ordering: order.said(),
        after: mark,
    };
    let json = serde_json::to_vec(&cursor);
    let json = json.map_err(|error| Problem::fault("a cursor can't be written", &error))?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// The row that the cursor `text` comes after.
///
/// # Errors
/// `400` when it is none of this list in this order.
pub(super) fn read(text: &str, list: &str, order: &Order) -> Result<Mark, Problem> {
    let json = URL_SAFE_NO_PAD.decode(text).ok();
    let cursor = json.and_then(|json| serde_json::from_slice::<Cursor>(&json).ok());
    let of_it = |cursor: &Cursor| {
        cursor.list == list && cursor.ordering == order.said() && order.has(&cursor.after)
    };
    match cursor.filter(of_it) {
        Some(cursor) => Ok(cursor.after),
        None => Err(unknown()),
    }
}

fn unknown() -> Problem {
    let detail = "this is no cursor of this list in this order";
    Problem::new(
        axum::http::StatusCode::BAD_REQUEST,
        "unknown-cursor",
        detail,
    )
}
