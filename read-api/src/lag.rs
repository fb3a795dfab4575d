//! How far the read side is behind the log.

use std::collections::HashMap;

use projections::runtime::{Registered, Slot, names_and_versions};
use sqlx::{PgPool, Row};
use uuid::Uuid;

/// How far back is looked.
const LOOKED_AT: i64 = 1_000;

/// How many of the last 1,000 events some of `projections` has not applied yet.
///
/// # Errors
/// When a database is away.
pub async fn events_behind(
    log: &PgPool,
    read: &PgPool,
    projections: &[Registered],
) -> Result<usize, sqlx::Error> {
    let (names, versions) = names_and_versions(projections);
    let epoch: Uuid = sqlx::query_scalar("SELECT epoch FROM head")
        .fetch_one(log)
        .await?;
    let rows = sqlx::query(
        "SELECT context, partition, min(CASE epoch WHEN $1 THEN position ELSE 0 END) AS position \
         FROM watermarks WHERE slot = $2 \
             AND (projection, version) IN (SELECT * FROM unnest($3::text[], $4::integer[])) \
         GROUP BY context, partition",
    )
    .bind(epoch)
    .bind(Slot::Live.name())
    .bind(&names)
    .bind(&versions)
    .fetch_all(read)
    .await?;
    let mut applied: HashMap<(String, i32), i64> = HashMap::new();
    for row in rows {
        let partition = (row.try_get("context")?, row.try_get("partition")?);
        applied.insert(partition, row.try_get("position")?);
    }
    let recent = sqlx::query(
        "SELECT split_part(aggregate_type, '.', 1) AS context, partition, position FROM events \
         WHERE position > (SELECT position FROM head) - $1 ORDER BY position LIMIT $1",
    )
    .bind(LOOKED_AT)
    .fetch_all(log)
    .await?;
    let built: i64 = sqlx::query_scalar(
        "SELECT count(DISTINCT (projection, version)) FROM watermarks WHERE slot = $1 \
             AND (projection, version) IN (SELECT * FROM unnest($2::text[], $3::integer[]))",
    )
    .bind(Slot::Live.name())
    .bind(&names)
    .bind(&versions)
    .fetch_one(read)
    .await?;
    // A table that is not built yet has seen nothing.
    if built.unsigned_abs() < projections.len() as u64 {
        return Ok(recent.len());
    }
    let mut behind = 0;
    for row in recent {
        let partition = (row.try_get("context")?, row.try_get("partition")?);
        let position: i64 = row.try_get("position")?;
        behind += usize::from(applied.get(&partition).copied().unwrap_or(0) < position);
    }
    Ok(behind)
}
