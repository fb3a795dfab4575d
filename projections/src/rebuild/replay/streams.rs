//! Some rows as they stood, folded from their streams alone: no table is made.

use event_store::RecordedEvent;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::runtime::Registered;

/// The rows of `projection` that whole streams give, up to wherever their events end: `events`
/// stream after stream, each in its order. What can't be folded ends its stream. None of a table
/// whose rows go across streams, for which some streams are not enough.
///
/// # Errors
/// When a row can't be written as JSON.
pub fn rows(
    projection: &Registered,
    events: &[RecordedEvent],
) -> Result<Option<Vec<Map<String, Value>>>, serde_json::Error> {
    if projection.across_streams {
        return Ok(None);
    }
    let (mut collect, mut rows) = ((projection.collect)(), Vec::new());
    let (mut stream, mut ended) = (Uuid::nil(), false);
    for event in events {
        if event.aggregate_id != stream {
            rows.append(&mut collect.take()?);
            (stream, ended) = (event.aggregate_id, false);
        }
        ended = ended || collect.add(event).is_err();
    }
    rows.append(&mut collect.take()?);
    Ok(Some(rows))
}
