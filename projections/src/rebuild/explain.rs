//! The events behind differences.

use std::collections::{HashMap, HashSet};

use event_store::{Position, RecordedEvent};
use serde::Serialize;
use uuid::Uuid;

use super::compare::Difference;
use super::follow::Standing;
use super::past::Past;
use super::progress::Teller;
use super::{Databases, Error};
use crate::runtime::Registered;

/// So many events of a row across streams are kept, the last ones: it may have any number.
const MOST: usize = 100;

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

/// Adds to each difference the events up to `standing`, but those at the positions `without`, that
/// touch its row, of whatever streams: one pass over the log.
pub(super) async fn explain(
    databases: &Databases,
    projection: &Registered,
    differences: &mut [Difference],
    (standing, without): (&Standing, &HashSet<Position>),
    teller: &Teller,
) -> Result<(), Error> {
    if differences.is_empty() {
        return Ok(());
    }
    let keys = differences.iter().enumerate();
    let places: HashMap<String, usize> = keys
        .map(|(place, difference)| (difference.key.to_string(), place))
        .collect();
    let mut past = Past::of(databases, projection, standing, teller);
    while let Some(events) = past.next(without).await? {
        for event in &events {
            // What can't be read is parked in both tables, and touches no row.
            let Ok(keys) = (projection.keys)(event) else {
                continue;
            };
            for key in keys {
                let Some(place) = places.get(&key.to_string()) else {
                    continue;
                };
                let events = &mut differences[*place].events;
                if projection.across_streams && events.len() == MOST {
                    events.remove(0);
                }
                events.push(EventOf::of(event));
            }
        }
    }
    Ok(())
}
