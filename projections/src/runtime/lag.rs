//! How far live tables are behind the log, partition by partition, for those who watch.
//!
//! The log is never searched: its last thousand events are looked at, what the relay sent to each
//! partition, and for what is behind a thousand events from there on, at a bounded number of places.
//! Where that is not enough, the number of events is reckoned from the share that the partition has
//! of those.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use event_store::Position;
use event_store::relay::age;
use sqlx::{PgPool, Row};
use uuid::Uuid;

use super::delivered::Place;
use super::projection::Registered;
use super::slot::Slot;

/// How many events are looked at in one place of the log.
const LOOKED_AT: i64 = 1_000;
/// In how many places at most.
const PLACES: usize = 12;

/// How far one projection is behind in one partition of its context's topic.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// The projection.
    pub projection: &'static str,
    /// Its version.
    pub version: i32,
    /// The partition.
    pub partition: i32,
    /// Everything of the partition up to here is in the table.
    pub position: Position,
    /// How many events of the partition are not: exact as long as they are few.
    pub events: i64,
    /// How long ago the oldest of them was recorded, at least; 0 when there is none.
    pub seconds: f64,
}

/// How far the live tables of `projections` are behind, in every partition. A table that is not
/// built has none.
///
/// Where no relay ever led, a partition without an event among the last thousand counts as up to
/// date.
///
/// # Errors
/// When a database is away.
pub async fn lags(
    log: &PgPool,
    read: &PgPool,
    projections: &[Registered],
) -> Result<Vec<Lag>, sqlx::Error> {
    // The log first: what is applied meanwhile is not behind.
    let mut known = Known::read(log).await?;
    let mut tables = watermarks(read, projections, known.epoch).await?;
    tables.sort_by_key(|table| known.missing_after(table));
    let mut lags = Vec::with_capacity(tables.len());
    let mut unseen = Vec::new();
    for table in &tables {
        let mut lag = Lag {
            projection: table.projection.name,
            version: table.projection.version,
            partition: table.place.partition,
            position: table.position,
            events: 0,
            seconds: 0.0,
        };
        if let (Some(after), Some(last)) = (known.missing_after(table), known.last(&table.place)) {
            let look = known.look_after(log, after).await?;
            let (events, oldest) = look.missing(&table.place, after, last);
            lag.events = events.max(1);
            match oldest {
                Some(oldest) => lag.seconds = age(oldest),
                None => unseen.push((lags.len(), last)),
            }
        }
        lags.push(lag);
    }
    // The oldest was not found; that the last one is missing is known.
    let (indexes, last): (Vec<usize>, Vec<Position>) = unseen.into_iter().unzip();
    for (index, recorded) in indexes.into_iter().zip(recorded_at(log, &last).await?) {
        lags[index].seconds = recorded.map_or(0.0, age);
    }
    Ok(lags)
}

/// Where a live table stands in a partition.
struct Table {
    projection: Registered,
    place: Place,
    position: Position,
}

async fn watermarks(
    read: &PgPool,
    projections: &[Registered],
    epoch: Uuid,
) -> Result<Vec<Table>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT projection, version, context, partition, \
             CASE epoch WHEN $1 THEN position ELSE 0 END AS position \
         FROM watermarks WHERE slot = $2",
    )
    .bind(epoch)
    .bind(Slot::Live.name())
    .fetch_all(read)
    .await?;
    let mut tables = Vec::with_capacity(rows.len());
    for row in rows {
        let (name, version): (&str, i32) = (row.try_get("projection")?, row.try_get("version")?);
        let mut known = projections.iter();
        let known = known.find(|one| one.name == name && one.version == version);
        if let Some(projection) = known {
            tables.push(Table {
                projection: *projection,
                place: Place {
                    context: row.try_get("context")?,
                    partition: row.try_get("partition")?,
                },
                position: row.try_get("position")?,
            });
        }
    }
    Ok(tables)
}

/// What is known of the log.
struct Known {
    epoch: Uuid,
    /// Everything up to here was relayed; 0 where no relay ever led.
    relayed: Position,
    /// The last position that was relayed to each partition.
    sent: HashMap<Place, Position>,
    /// Its last events, and then those at other places.
    looks: Vec<Look>,
}

impl Known {
    async fn read(log: &PgPool) -> Result<Self, sqlx::Error> {
        let row = sqlx::query(
            "SELECT epoch, position AS head, (SELECT position FROM relay) AS relayed FROM head",
        )
        .fetch_one(log)
        .await?;
        let sent = sqlx::query(
            "SELECT context, partition, relay_partitions.position \
             FROM relay_partitions JOIN topics USING (context, generation)",
        )
        .fetch_all(log)
        .await?;
        let sent = sent.iter().map(|row| {
            let place = Place {
                context: row.try_get("context")?,
                partition: row.try_get("partition")?,
            };
            Ok((place, row.try_get("position")?))
        });
        let head: Position = row.try_get("head")?;
        let tail = Look::after(log, (head - LOOKED_AT).max(0)).await?;
        Ok(Self {
            epoch: row.try_get("epoch")?,
            relayed: row.try_get("relayed")?,
            sent: sent.collect::<Result<_, sqlx::Error>>()?,
            looks: vec![tail],
        })
    }

    /// The last event of a partition, as far as it is known.
    fn last(&self, place: &Place) -> Option<Position> {
        let seen = self.looks.first().and_then(|tail| tail.last_of(place));
        seen.max(self.sent.get(place).copied())
    }

    /// After which position the first event that a table does not have has to be looked for; none
    /// when it has all.
    fn missing_after(&self, table: &Table) -> Option<Position> {
        let last = self.last(&table.place)?;
        if table.position >= last {
            return None;
        }
        let sent = self.sent.get(&table.place).copied().unwrap_or(0);
        // Whatever was relayed to the partition, it has.
        let all_sent = table.position >= sent;
        Some(match all_sent {
            true => table.position.max(self.relayed),
            false => table.position,
        })
    }

    /// Events after `position`: a look that was taken, where it shows them, else another one.
    async fn look_after(&mut self, log: &PgPool, position: Position) -> Result<&Look, sqlx::Error> {
        let shows = |look: &Look| look.after <= position && position < look.last;
        let found = match self.looks.iter().position(shows) {
            Some(found) => found,
            None if self.looks.len() < PLACES => {
                self.looks.push(Look::after(log, position).await?);
                self.looks.len() - 1
            }
            None => 0,
        };
        Ok(&self.looks[found])
    }
}

/// Events that follow each other in the log.
struct Look {
    after: Position,
    last: Position,
    events: Vec<(Position, Place, DateTime<Utc>)>,
}

impl Look {
    /// What comes after a position, as far as it is looked at.
    async fn after(log: &PgPool, after: Position) -> Result<Self, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT position, split_part(aggregate_type, '.', 1) AS context, partition, recorded_at \
             FROM events WHERE position > $1 ORDER BY position LIMIT $2",
        )
        .bind(after)
        .bind(LOOKED_AT)
        .fetch_all(log)
        .await?;
        let events = rows.iter().map(|row| {
            let place = Place {
                context: row.try_get("context")?,
                partition: row.try_get("partition")?,
            };
            Ok((row.try_get("position")?, place, row.try_get("recorded_at")?))
        });
        let events = events.collect::<Result<Vec<_>, sqlx::Error>>()?;
        Ok(Self {
            after,
            last: events.last().map_or(after, |(position, ..)| *position),
            events,
        })
    }

    fn last_of(&self, place: &Place) -> Option<Position> {
        let mut latest_first = self.events.iter().rev();
        let found = latest_first.find(|(_, of, _)| of == place)?;
        Some(found.0)
    }

    /// About how many events `place` has after one position up to another, and when the first of
    /// them was recorded, if it is one of these.
    fn missing(
        &self,
        place: &Place,
        after: Position,
        last: Position,
    ) -> (i64, Option<DateTime<Utc>>) {
        let behind = |(position, ..): &&(Position, Place, DateTime<Utc>)| *position > after;
        let of_it = |(_, of, _): &&(Position, Place, DateTime<Utc>)| of == place;
        let looked_at = self.events.iter().filter(behind).count();
        let mut found = self.events.iter().filter(behind).filter(of_it);
        let count = found.clone().count();
        let beyond = (last - self.last).max(0) as f64;
        let reckoned = beyond * count as f64 / looked_at.max(1) as f64;
        let oldest = found.next().map(|(.., recorded_at)| *recorded_at);
        (count as i64 + reckoned.round() as i64, oldest)
    }
}

/// When the events at these positions were recorded.
async fn recorded_at(
    log: &PgPool,
    positions: &[Position],
) -> Result<Vec<Option<DateTime<Utc>>>, sqlx::Error> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    sqlx::query_scalar(
        "SELECT recorded_at FROM unnest($1::bigint[]) WITH ORDINALITY AS asked (position, place) \
             LEFT JOIN events USING (position) ORDER BY place",
    )
    .bind(positions)
    .fetch_all(log)
    .await
}
