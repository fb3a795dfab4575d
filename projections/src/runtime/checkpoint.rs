//! Watermarks: how far each projection is in each topic partition.

use std::collections::BTreeMap;

use event_store::Position;
use event_store::seen::Seen;
use sqlx::{PgConnection, PgPool, Row};
use uuid::Uuid;

use super::READ;
use super::delivered::{Delivered, Place};
use super::projection::Registered;
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

/// Locks the watermarks of a partition's live tables until the transaction ends. Two projectors that
/// both hold the partition take turns here, and the second finds its events applied. By projection
/// and version.
///
/// The rows of every slot are locked: who waits here for a swap, in which tables change their slots,
/// gets the rows as they are after it, and would miss those that were not live before.
pub(super) async fn lock(
    connection: &mut PgConnection,
    place: &Place,
) -> Result<BTreeMap<(String, i32), Watermark>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT projection, version, slot, epoch, position FROM watermarks \
         WHERE context = $1 AND partition = $2 ORDER BY projection, version, slot FOR UPDATE",
    )
    .bind(&place.context)
    .bind(place.partition)
    .fetch_all(connection)
    .await?;
    let live = rows.iter().filter(|row| {
        let slot = row.try_get::<&str, _>("slot");
        slot.is_ok_and(|slot| slot == Slot::Live.name())
    });
    live.map(|row| {
        let watermark = Watermark {
            epoch: row.try_get("epoch")?,
            position: row.try_get("position")?,
        };
        let version = (row.try_get("projection")?, row.try_get("version")?);
        Ok((version, watermark))
    })
    .collect()
}

/// Moves the watermarks of a partition's live tables up to `last`, where they are behind it, and
/// tells those who wait for that. Where to read on goes with them, and may go back: a topic that was
/// made anew counts from 0.
pub(super) async fn advance(
    connection: &mut PgConnection,
    place: &Place,
    projections: &[Registered],
    last: &Delivered,
) -> Result<(), sqlx::Error> {
    let (names, versions) = names_and_versions(projections);
    sqlx::query(
        "WITH moved AS (UPDATE watermarks SET position = GREATEST(position, $4), \
             event_id = CASE WHEN position > $4 THEN event_id ELSE $6 END, \
             next_offset = CASE WHEN next_offset IS NULL OR position <= $4 \
                 THEN COALESCE($5, next_offset) ELSE next_offset END \
         WHERE context = $1 AND partition = $2 AND slot = $8 \
             AND (projection, version) IN (SELECT * FROM unnest($3::text[], $7::integer[]))) \
         SELECT pg_notify($9, '')",
    )
    .bind(&place.context)
    .bind(place.partition)
    .bind(names)
    .bind(last.event.position)
    .bind(last.message.map(|message| message.next_offset))
    .bind(last.event.event_id)
    .bind(versions)
    .bind(Slot::Live.name())
    .bind(READ)
    .execute(connection)
    .await?;
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

fn names_and_versions(projections: &[Registered]) -> (Vec<&'static str>, Vec<i32>) {
    projections
        .iter()
        .map(|one| (one.name, one.version))
        .unzip()
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
