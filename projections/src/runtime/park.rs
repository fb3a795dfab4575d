//! Parking: what a projection could not apply waits, with all that comes after it in its stream.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use event_store::{Position, RecordedEvent};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::apply::{ApplyError, Failed};
use super::delivered::{Delivered, told};
use super::projection::Registered;
use super::slot::Slot;

pub(super) const AMONG: &str = "\
    SELECT projection, version, array_agg(DISTINCT aggregate_id) AS streams FROM parked \
    WHERE slot = $1 AND aggregate_id = ANY($2) GROUP BY projection, version";

/// What one projection does with events that are new to it.
#[derive(Default)]
pub(crate) struct Sorted<'a> {
    /// Those to apply.
    pub(super) applied: Vec<&'a RecordedEvent>,
    /// Those of its aggregate, in order.
    all: Vec<&'a RecordedEvent>,
    /// Why some failed, by position.
    errors: BTreeMap<Position, String>,
    /// The streams that are parked already.
    parked: HashSet<Uuid>,
}

/// An event to park, and why; none when it waits behind another.
pub(crate) struct Parking<'a> {
    pub(crate) event: &'a RecordedEvent,
    pub(crate) error: Option<&'a str>,
}

impl<'a> Sorted<'a> {
    /// Sorts `new`, of which `projection` has `parked` these streams.
    pub(crate) fn of(
        projection: &Registered,
        new: &[&'a Delivered],
        parked: HashSet<Uuid>,
    ) -> Self {
        let mut sorted = Self {
            parked,
            ..Self::default()
        };
        let mut closed = HashSet::new();
        for delivered in new {
            let event = &delivered.event;
            if event.aggregate_type != projection.aggregate_type {
                continue;
            }
            sorted.all.push(event);
            if let Some(why) = &delivered.closed {
                sorted.errors.insert(event.position, why.clone());
                closed.insert(event.aggregate_id);
            }
            let stream = &event.aggregate_id;
            if !sorted.parked.contains(stream) && !closed.contains(stream) {
                sorted.applied.push(event);
            }
        }
        sorted
    }

    /// Notes which of `applied` failed.
    pub(super) fn failed(&mut self, failed: &[Failed]) {
        for one in failed {
            let event = self.applied[one.index];
            self.errors.insert(event.position, why(event, &one.error));
        }
    }

    /// What is to be parked, in order.
    pub(crate) fn parking(&self) -> Vec<Parking<'_>> {
        let mut waiting = self.parked.clone();
        let mut parking = Vec::new();
        for event in &self.all {
            let behind = waiting.contains(&event.aggregate_id);
            let error = self.errors.get(&event.position).map(String::as_str);
            if !behind && error.is_none() {
                continue;
            }
            waiting.insert(event.aggregate_id);
            let error = error.filter(|_| !behind);
            parking.push(Parking { event, error });
        }
        parking
    }
}

/// The streams of `events` that are parked, by projection and version. Asked for when the watermarks
/// are locked: another projector may have parked some until then.
pub(crate) async fn among<'a>(
    connection: &mut PgConnection,
    slot: Slot,
    events: impl IntoIterator<Item = &'a Delivered>,
) -> Result<HashMap<(String, i32), HashSet<Uuid>>, sqlx::Error> {
    let streams = events.into_iter().map(|one| one.event.aggregate_id);
    let streams: BTreeSet<Uuid> = streams.collect();
    let rows = sqlx::query(AMONG)
        .bind(slot.name())
        .bind(streams.into_iter().collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let version = (row.try_get("projection")?, row.try_get("version")?);
            let streams: Vec<Uuid> = row.try_get("streams")?;
            Ok((version, streams.into_iter().collect()))
        })
        .collect()
}

/// What an operator is told of an event that could not be applied.
pub(crate) fn why(event: &RecordedEvent, error: &ApplyError) -> String {
    let kind = match error {
        ApplyError::Fold(super::FoldError::Decode(_)) => "it can't be read".to_owned(),
        ApplyError::Fold(super::FoldError::Panicked(_)) => "its fold failed".to_owned(),
        ApplyError::Shape { .. } => "its row does not fit the table".to_owned(),
        ApplyError::Database(error) => {
            let code = error.as_database_error().and_then(|error| error.code());
            let code = code.map_or_else(String::new, |code| format!(" (SQLSTATE {code})"));
            format!("the database refuses its row{code}")
        }
    };
    told(event, &kind, error)
}

/// Writes down what `projection` parks of its table in `slot`.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    projection: &Registered,
    slot: Slot,
    parking: &[Parking<'_>],
) -> Result<(), sqlx::Error> {
    let events = || parking.iter().map(|one| one.event);
    sqlx::query(
        "INSERT INTO parked (projection, version, slot, context, partition, position, event_id, \
             aggregate_type, aggregate_id, sequence, event_type, error, attempts) \
         SELECT $1, $2, $3, $4, partition, position, event_id, $6, aggregate_id, sequence, \
             event_type, error, (error IS NOT NULL)::integer \
         FROM unnest($7::bigint[], $8::uuid[], $9::uuid[], $10::bigint[], $11::text[], \
             $12::text[], $5::integer[]) \
             AS new (position, event_id, aggregate_id, sequence, event_type, error, partition)",
    )
    .bind(projection.name)
    .bind(projection.version)
    .bind(slot.name())
    .bind(projection.context)
    .bind(events().map(|event| event.partition).collect::<Vec<_>>())
    .bind(projection.aggregate_type)
    .bind(events().map(|event| event.position).collect::<Vec<_>>())
    .bind(events().map(|event| event.event_id).collect::<Vec<_>>())
    .bind(events().map(|event| event.aggregate_id).collect::<Vec<_>>())
    .bind(events().map(|event| event.sequence).collect::<Vec<_>>())
    .bind(
        events()
            .map(|event| event.event_type.as_str())
            .collect::<Vec<_>>(),
    )
    .bind(parking.iter().map(|one| one.error).collect::<Vec<_>>())
    .execute(connection)
    .await?;
    for one in parking {
        let Parking { event, error } = one;
        if let Some(error) = error {
            tracing::warn!(projection = projection.name, position = event.position,
                stream = %event.aggregate_id, error, "a stream is parked");
        }
    }
    Ok(())
}

/// Writes down that the parked event at `position` failed again.
pub(super) async fn failed_again(
    connection: &mut PgConnection,
    projection: &Registered,
    position: Position,
    why: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE parked SET attempts = attempts + 1, error = $5 \
         WHERE projection = $1 AND version = $2 AND slot = $3 AND position = $4",
    )
    .bind(projection.name)
    .bind(projection.version)
    .bind(Slot::Live.name())
    .bind(position)
    .bind(why)
    .execute(connection)
    .await?;
    Ok(())
}
