//! Bringing a table that is not live up to date: what was appended since, folded as the projector
//! folds it, in the order of the log.

use std::collections::BTreeMap;
use std::ops::Range;

use event_store::{Position, RecordedEvent, head, read};
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::progress::Teller;
use super::{Databases, Error};
use crate::runtime::delivered::Delivered;
use crate::runtime::{Registered, Slot, batch, open, park};

/// How many events are read at once.
const PAGE: i64 = 2_000;

/// Where a table stands in each partition of its topic, and of which log it is.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) epoch: Uuid,
    pub(super) positions: BTreeMap<i32, Position>,
}

impl Standing {
    /// Where to read on: all before is in the table. None when it is where `until` is.
    fn least(&self, until: Option<&Self>) -> Option<Position> {
        let behind = self.positions.iter().filter(|(partition, position)| {
            until.is_none_or(|until| until.positions.get(partition) > Some(position))
        });
        behind.map(|(_, position)| *position).min()
    }

    /// Whether the table has this event, or has parked it.
    pub(super) fn has(&self, event: &RecordedEvent) -> bool {
        self.positions.get(&event.partition) >= Some(&event.position)
    }

    /// Something up to here is in the table.
    pub(super) fn most(&self) -> Position {
        self.positions.values().copied().max().unwrap_or(0)
    }
}

/// Where the table in `slot` stands; its watermarks are locked until the transaction ends, so that
/// nobody moves it on. None when there is no such table.
pub(super) async fn lock(
    connection: &mut PgConnection,
    projection: &Registered,
    slot: Slot,
) -> Result<Option<Standing>, Error> {
    let rows = sqlx::query(
        "SELECT partition, position, epoch FROM watermarks \
         WHERE projection = $1 AND version = $2 AND slot = $3 ORDER BY partition FOR UPDATE",
    )
    .bind(projection.name)
    .bind(projection.version)
    .bind(slot.name())
    .fetch_all(connection)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let epoch = first.try_get("epoch")?;
    let positions = rows
        .iter()
        .map(|row| Ok((row.try_get("partition")?, row.try_get("position")?)));
    Ok(Some(Standing {
        epoch,
        positions: positions.collect::<Result<_, sqlx::Error>>()?,
    }))
}

/// Folds what the table in `slot` has not seen, up to `until` in each partition, or else to where
/// the log ends now: page after page, each a transaction. It comes to an end however fast the log
/// grows meanwhile.
pub(super) async fn follow(
    databases: &Databases,
    projection: &Registered,
    slot: Slot,
    until: Option<&Standing>,
    teller: &Teller,
) -> Result<(), Error> {
    let (_, end) = head(&databases.log).await?;
    loop {
        let mut connection = databases.read.acquire().await?;
        let mut tx = connection.begin().await?;
        let folded = page(&mut tx, databases, projection, slot, until).await?;
        tx.commit().await?;
        let Some(folded) = folded else {
            return Ok(());
        };
        teller.advance((folded.end - folded.start).unsigned_abs());
        if until.is_none() && folded.end >= end {
            return Ok(());
        }
    }
}

/// One page, in the caller's transaction; gives the positions after which it began and at which it
/// ended, none when there was nothing to fold.
pub(super) async fn page(
    tx: &mut PgConnection,
    databases: &Databases,
    projection: &Registered,
    slot: Slot,
    until: Option<&Standing>,
) -> Result<Option<Range<Position>>, Error> {
    let Some(standing) = lock(tx, projection, slot).await? else {
        return Ok(None);
    };
    let Some(from) = standing.least(until) else {
        return Ok(None);
    };
    let events = read::after(&databases.log, from, PAGE).await?;
    let Some(last) = events.last() else {
        return Ok(None);
    };
    let end = (last.position, last.event_id);
    let new = events.into_iter().filter(|event| {
        let seen = standing.positions.get(&event.partition);
        let bound = until.map_or(Some(&Position::MAX), |until| {
            until.positions.get(&event.partition)
        });
        event.context() == projection.context
            && seen.is_some_and(|seen| event.position > *seen)
            && bound.is_some_and(|bound| event.position <= *bound)
    });
    let new = new.map(|event| Delivered::from_log(standing.epoch, event));
    let mut new: Vec<Delivered> = new.collect();
    open::open(&databases.keyring, &mut new).await?;
    if !new.is_empty() {
        // Rows across streams need no locks here: this has the watermarks of all their partitions.
        let version = (projection.name.to_owned(), projection.version);
        let mut parked = park::among(tx, slot, &new).await?;
        let parked = parked.remove(&version).unwrap_or_default();
        let new: Vec<&Delivered> = new.iter().collect();
        let applied = batch::apply(tx, (projection, slot), &new, parked, true).await;
        applied.map_err(|source| Error::Apply {
            projection: projection.name,
            source,
        })?;
    }
    advance(tx, projection, slot, end, until).await?;
    Ok(Some(from..end.0))
}

/// The table has everything up to `end`, but for what lies beyond `until`.
async fn advance(
    tx: &mut PgConnection,
    projection: &Registered,
    slot: Slot,
    end: (Position, Uuid),
    until: Option<&Standing>,
) -> Result<(), Error> {
    let bounds = until
        .map(|until| until.positions.clone())
        .unwrap_or_default();
    let (partitions, bounds): (Vec<i32>, Vec<Position>) = bounds.into_iter().unzip();
    // A watermark that stops at a bound stands at no event that is known here.
    sqlx::query(
        "UPDATE watermarks SET position = reached.position, event_id = reached.event_id \
         FROM (SELECT w.partition, LEAST($4, bound) AS position, \
                   CASE WHEN $4 <= coalesce(bound, $4) THEN $5 END AS event_id \
               FROM watermarks AS w \
                   LEFT JOIN unnest($6::integer[], $7::bigint[]) AS until (partition, bound) \
                   USING (partition) \
               WHERE w.projection = $1 AND w.version = $2 AND w.slot = $3) AS reached \
         WHERE projection = $1 AND version = $2 AND slot = $3 \
             AND watermarks.partition = reached.partition \
             AND watermarks.position < reached.position",
    )
    .bind(projection.name)
    .bind(projection.version)
    .bind(slot.name())
    .bind(end.0)
    .bind(end.1)
    .bind(partitions)
    .bind(bounds)
    .execute(tx)
    .await?;
    Ok(())
}
