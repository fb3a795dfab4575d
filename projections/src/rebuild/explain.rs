//! The events behind differences.

use std::collections::HashMap;

use event_store::{Position, RecordedEvent, read};
use serde::Serialize;
use uuid::Uuid;

use super::compare::Difference;
use super::progress::{Step, Teller};
use super::{Databases, Error};
use crate::runtime::Registered;

/// How many events are read at once.
const PAGE: i64 = 5_000;

/// An event, in short.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventOf {
    /// Its place in the log.
    pub position: Position,
    /// Its stream.
    pub stream: Uuid,
    /// Its place in its stream.
    pub sequence: i64,
    /// What happened.
    pub event_type: String,
}

impl EventOf {
    pub(super) fn of(event: &RecordedEvent) -> Self {
        Self {
            position: event.position,
            stream: event.aggregate_id,
            sequence: event.sequence,
            event_type: event.event_type.clone(),
        }
    }
}

/// Adds to each difference the events up to `head` that touch its row: one pass over the log.
pub(super) async fn explain(
    databases: &Databases,
    projection: &Registered,
    differences: &mut [Difference],
    head: Position,
    teller: &Teller,
) -> Result<(), Error> {
    if differences.is_empty() {
        return Ok(());
    }
    teller.begin(Step::Explaining, head.unsigned_abs());
    let keys = differences.iter().enumerate();
    let places: HashMap<String, usize> = keys
        .map(|(place, difference)| (difference.key.to_string(), place))
        .collect();
    let mut position = 0;
    while position < head {
        let mut page = read::after(&databases.log, position, PAGE).await?;
        let Some(last) = page.last() else {
            break;
        };
        let end = last.position;
        page.retain(|event| event.aggregate_type == projection.aggregate_type);
        databases.keyring.open_events(&mut page).await?;
        for event in page.iter().filter(|event| event.position <= head) {
            // What can't be read is parked in both tables, and touches no row.
            let Ok(keys) = (projection.keys)(event) else {
                continue;
            };
            for key in keys {
                let Some(place) = places.get(&key.to_string()) else {
                    continue;
                };
                differences[*place].events.push(EventOf::of(event));
            }
        }
        teller.advance((end - position).unsigned_abs());
        position = end;
    }
    Ok(())
}
