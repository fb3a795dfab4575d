//! Some rows across streams, folded anew as the live table has them: up to where it stands, and
//! without the events that it has parked. So a row is compared though one of its streams is parked.

use std::collections::{BTreeMap, HashSet};

use event_store::{Position, RecordedEvent, pick};
use serde_json::Value;
use uuid::Uuid;

use super::compare::{Difference, FrozenTable};
use super::past::{Past, opened};
use super::progress::Teller;
use super::sample;
use super::{Databases, Error, shadow};
use crate::runtime::Registered;

/// How many parked events are read at once.
const PAGE: usize = 1_000;

/// Keys of rows, by the key as JSON.
pub(super) type Keys = BTreeMap<String, Value>;

/// Adds the keys of the rows that `events` touch. What can't be read touches none.
pub(super) fn touch(keys: &mut Keys, projection: &Registered, events: &[RecordedEvent]) {
    let touched = events
        .iter()
        .filter_map(|event| (projection.keys)(event).ok());
    keys.extend(touched.flatten().map(|key| (key.to_string(), key)));
}

/// The rows that events touch which the live table has parked.
pub(super) async fn touched_by_parked(
    databases: &Databases,
    projection: &Registered,
    live: &FrozenTable,
) -> Result<Keys, Error> {
    let positions: Vec<Position> = live.parked.iter().copied().collect();
    let mut keys = Keys::new();
    for page in positions.chunks(PAGE) {
        let events = pick::at(&databases.log, page).await?;
        let events = opened(databases, &live.standing, events).await?;
        touch(&mut keys, projection, &events);
    }
    Ok(keys)
}

/// Compares the rows of these keys, folded anew, with the live ones: one pass over the log. Which
/// events are behind differences is left to be explained.
pub(super) async fn compare(
    databases: &Databases,
    projection: &Registered,
    live: &mut FrozenTable,
    keys: Keys,
    teller: &Teller,
) -> Result<Vec<Difference>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let shape = |why: serde_json::Error| Error::shape(projection, why);
    let mut rows = (projection.collect_only)(keys.values().cloned().collect()).map_err(shape)?;
    // What fails ends its stream, as in any fold.
    let mut ended = HashSet::<Uuid>::new();
    let mut past = Past::of(databases, projection, &live.standing, teller);
    while let Some(events) = past.next(&live.parked).await? {
        for event in &events {
            let stream = event.aggregate_id;
            if !ended.contains(&stream) && rows.add(event).is_err() {
                ended.insert(stream);
            }
        }
    }
    let rows = rows.take().map_err(shape)?;
    let rows = rows.into_iter().map(Value::Object).collect();
    let key = shadow::key_columns(&databases.read, projection).await?;
    let keys = keys.into_iter();
    let touched = keys.map(|(place, key)| (place, (key, Vec::new())));
    sample::compare(&mut live.session, projection, &key, touched.collect(), rows).await
}
