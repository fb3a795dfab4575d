//! Watermarks: how far each projection is in each topic partition.

use std::collections::BTreeMap;

use event_store::Position;
use event_store::seen::Seen;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

use super::READ;
use super::delivered::{Batch, Place};
use super::projection::{Registered, names_and_versions};
use super::slot::Slot;

/// How far one projection is in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watermark {
    pub(super) epoch: Uuid,
    pub(super) position: Position,
}

/// How far the hindmost projection is in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) watermark: Watermark,
    /// Where to read on in Kafka; none when one of them has read nothing from it yet.
    pub(super) next_offset: Option<i64>,
}

/// Makes the watermarks of live tables that are missing, at the beginning of the log, which is
/// empty: there is nothing to build.
pub(super) async fn ensure(
    pool: &PgPool,
    projections: &[Registered],
    partitions: &[(String, u32)],
    epoch: Uuid,
) -> Result<(), sqlx::Error> {
    for projection in projections {
        let count = partitions
            .iter()
            .find(|(context, _)| context == projection.context)
            .map_or(0, |(_, count)| count.cast_signed());
        sqlx::query(
            "INSERT INTO watermarks (projection, version, context, partition, epoch) \
             SELECT $1, $2, $3, partition, $5 FROM generate_series(0, $4 - 1) AS partition \
             ON CONFLICT DO NOTHING",
        )
        .bind(projection.name)
        .bind(projection.version)
        .bind(projection.context)
        .bind(count)
        .bind(epoch)
        .execute(pool)
        .await?;
    }
    Ok(())
}

pub(super) const LOCK: &str = "\
    SELECT context, partition, projection, version, slot, epoch, position FROM watermarks \
    WHERE (context, partition) IN (SELECT * FROM unnest($1::text[], $2::integer[])) \
    ORDER BY context, partition, projection, version, slot FOR UPDATE";

pub(super) const ADVANCE: &str = "\
    UPDATE watermarks SET position = GREATEST(position, last_position), \
        event_id = CASE WHEN position > last_position THEN event_id ELSE last_event_id END, \
        next_offset = CASE WHEN next_offset IS NULL OR position <= last_position \
            THEN COALESCE(last_next_offset, next_offset) ELSE next_offset END \
    FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::uuid[], $5::bigint[]) \
        AS last (context, partition, last_position, last_event_id, last_next_offset) \
    WHERE watermarks.context = last.context AND watermarks.partition = last.partition \
        AND slot = 'live' \
        AND (projection, version) IN (SELECT * FROM unnest($6::text[], $7::integer[]))";

/// Says something after the commit of what it is about. It is a transaction of its own since a commit
/// that notifies holds a lock of the whole server, and this one does not wait for the disk.
pub(super) const TELL: &str =
    "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)";

/// The watermarks of tables by projection and version, and by partition.
pub(super) type Watermarks = BTreeMap<(String, i32), BTreeMap<Place, Watermark>>;

/// Locks the watermarks of the live tables in `places` until the transaction ends.
/// Two projectors that both hold a partition take turns here, and the second finds its events
/// applied.
///
/// The rows of every slot are locked: who waits here for a swap, in which tables change their slots,
/// gets the rows as they are after it, and would miss those that were not live before. Whoever locks
/// several partitions does it in this order.
pub(super) async fn lock(
    connection: &mut PgConnection,
    places: impl IntoIterator<Item = &'_ Place>,
) -> Result<Watermarks, sqlx::Error> {
    let (contexts, partitions) = contexts_and_partitions(places);
    let rows = sqlx::query(LOCK)
        .bind(contexts)
        .bind(partitions)
        .fetch_all(connection)
        .await?;
    let mut watermarks = Watermarks::new();
    for row in rows {
        if row.try_get::<&str, _>("slot")? != Slot::Live.name() {
            continue;
        }
        let version = (row.try_get("projection")?, row.try_get("version")?);
        let place = Place {
            context: row.try_get("context")?,
            partition: row.try_get("partition")?,
        };
        let watermark = Watermark {
            epoch: row.try_get("epoch")?,
            position: row.try_get("position")?,
        };
        watermarks
            .entry(version)
            .or_default()
            .insert(place, watermark);
    }
    Ok(watermarks)
}

pub(super) fn contexts_and_partitions<'a>(
    places: impl IntoIterator<Item = &'a Place>,
) -> (Vec<&'a str>, Vec<i32>) {
    let pair = |place: &'a Place| (place.context.as_str(), place.partition);
    places.into_iter().map(pair).unzip()
}

/// Moves the watermarks of the live tables up to the last events of `batches`, where they are behind
/// them. Where to read on goes with them, and may go back: a topic that was made anew counts from 0.
pub(super) async fn advance(
    connection: &mut PgConnection,
    batches: &[Batch<'_>],
    projections: &[Registered],
) -> Result<(), sqlx::Error> {
    let (names, versions) = names_and_versions(projections);
    let reached = Reached::of(batches);
    sqlx::query(ADVANCE)
        .bind(reached.contexts)
        .bind(reached.partitions)
        .bind(reached.positions)
        .bind(reached.event_ids)
        .bind(reached.next_offsets)
        .bind(names)
        .bind(versions)
        .execute(connection)
        .await?;
    Ok(())
}

/// How far partitions are after batches, as [`ADVANCE`] takes it.
#[derive(Default)]
pub(super) struct Reached<'a> {
    pub(super) contexts: Vec<&'a str>,
    pub(super) partitions: Vec<i32>,
    pub(super) positions: Vec<Position>,
    pub(super) event_ids: Vec<Uuid>,
    pub(super) next_offsets: Vec<Option<i64>>,
}

impl<'a> Reached<'a> {
    pub(super) fn of(batches: &[Batch<'a>]) -> Self {
        let mut reached = Self::default();
        for batch in batches {
            let Some(last) = batch.events.last() else {
                continue;
            };
            reached.contexts.push(&batch.place.context);
            reached.partitions.push(batch.place.partition);
            reached.positions.push(last.event.position);
            reached.event_ids.push(last.event.event_id);
            let next_offset = last.message.map(|message| message.next_offset);
            reached.next_offsets.push(next_offset);
        }
        reached
    }
}

/// Tells those who wait for it, when the transaction is committed, that anything may have changed in
/// tables, also what is parked: who is told of a later batch has been told of this before.
pub(crate) async fn tell(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let said = sqlx::query("SELECT pg_notify($1, '')").bind(READ);
    said.execute(connection).await?;
    Ok(())
}

/// Sets where to read on in a partition of Kafka back to `offset`, where it is beyond `end`: what
/// the partition had there is gone.
pub(super) async fn set_back(
    pool: &PgPool,
    place: &Place,
    (offset, end): (i64, i64),
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE watermarks SET next_offset = $3 \
         WHERE context = $1 AND partition = $2 AND next_offset > $4",
    )
    .bind(&place.context)
    .bind(place.partition)
    .bind(offset)
    .bind(end)
    .execute(pool)
    .await?;
    Ok(())
}

/// What every read table was made from: the last event of each partition.
pub(super) async fn seen(pool: &PgPool) -> Result<Vec<Seen>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT projection, context, partition, epoch, position, event_id FROM watermarks \
         ORDER BY position DESC",
    )
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let table: &str = row.try_get("projection")?;
            let context: &str = row.try_get("context")?;
            let partition: i32 = row.try_get("partition")?;
            Ok(Seen {
                by: format!("the read table {table}, of {context}[{partition}],"),
                epoch: row.try_get("epoch")?,
                position: row.try_get("position")?,
                event_id: row.try_get("event_id")?,
            })
        })
        .collect()
}

/// How far the hindmost projection is in each partition: everything of one moment, since a watermark
/// and an offset of two moments would tell of a hole where there is none.
pub(super) async fn progress(
    pool: &PgPool,
    projections: &[Registered],
) -> Result<BTreeMap<Place, Progress>, sqlx::Error> {
    let (names, versions) = names_and_versions(projections);
    let rows = sqlx::query(
        "SELECT DISTINCT ON (context, partition) context, partition, epoch, position, \
             CASE WHEN bool_and(next_offset IS NOT NULL) OVER same \
                 THEN min(next_offset) OVER same END AS next_offset \
         FROM watermarks WHERE slot = $3 \
             AND (projection, version) IN (SELECT * FROM unnest($1::text[], $2::integer[])) \
         WINDOW same AS (PARTITION BY context, partition) ORDER BY context, partition, position",
    )
    .bind(names)
    .bind(versions)
    .bind(Slot::Live.name())
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let progress = Progress {
                watermark: Watermark {
                    epoch: row.try_get("epoch")?,
                    position: row.try_get("position")?,
                },
                next_offset: row.try_get("next_offset")?,
            };
            let place = Place {
                context: row.try_get("context")?,
                partition: row.try_get("partition")?,
            };
            Ok((place, progress))
        })
        .collect()
}
