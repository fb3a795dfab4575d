//! How far every table is, for operators.

use chrono::{DateTime, Utc};
use event_store::Position;
use serde::Serialize;
use sqlx::{PgPool, Row};

use super::projection::Registered;

/// How far a table is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// The projection.
    pub projection: &'static str,
    /// Its version.
    pub version: i32,
    /// Which of its tables: live, shadow or previous.
    pub slot: String,
    /// Everything up to here is in it.
    pub position: Position,
    /// Events of its context that are not in it yet.
    pub events_behind: i64,
    /// How long ago the oldest of them was recorded.
    pub seconds_behind: f64,
    /// Events that are parked: they count as being in it.
    pub parked: i64,
}

/// How far the tables of `projections` are.
///
/// # Errors
/// When a database is away.
pub async fn standing(
    log: &PgPool,
    read: &PgPool,
    projections: &[Registered],
) -> Result<Vec<Standing>, sqlx::Error> {
    let mut all = Vec::new();
    for projection in projections {
        let slots = sqlx::query(
            "SELECT slot, array_agg(partition) AS partitions, \
                 array_agg(position) AS positions, \
                 (SELECT count(*) FROM parked WHERE projection = $1 AND version = $2 \
                     AND parked.slot = watermarks.slot) AS parked \
             FROM watermarks WHERE projection = $1 AND version = $2 GROUP BY slot ORDER BY slot",
        )
        .bind(projection.name)
        .bind(projection.version)
        .fetch_all(read)
        .await?;
        for slot in slots {
            // What has seen all that the relay sent to a partition lacks nothing up to where the
            // relay is: a partition without events for long costs no reading of all others'.
            let behind = sqlx::query(
                "WITH seen AS (SELECT partition, \
                     CASE WHEN coalesce(sent.position, 0) <= given.position \
                         THEN GREATEST(given.position, relay.position) \
                         ELSE given.position END AS position \
                 FROM unnest($2::integer[], $3::bigint[]) AS given (partition, position) \
                     CROSS JOIN relay LEFT JOIN \
                     (SELECT partition, relay_partitions.position \
                      FROM relay_partitions JOIN topics USING (context, generation) \
                      WHERE context = $1) AS sent USING (partition)) \
                 SELECT count(*) AS events, min(recorded_at) AS oldest, \
                     coalesce(min(events.position) - 1, (SELECT position FROM head)) AS reached \
                 FROM events JOIN seen \
                     ON events.partition = seen.partition AND events.position > seen.position \
                 WHERE events.position > (SELECT min(position) FROM seen) \
                     AND split_part(aggregate_type, '.', 1) = $1",
            )
            .bind(projection.context)
            .bind(slot.try_get::<Vec<i32>, _>("partitions")?)
            .bind(slot.try_get::<Vec<i64>, _>("positions")?)
            .fetch_one(log)
            .await?;
            let oldest: Option<DateTime<Utc>> = behind.try_get("oldest")?;
            let late = oldest.map(|oldest| (Utc::now() - oldest).as_seconds_f64());
            all.push(Standing {
                projection: projection.name,
                version: projection.version,
                slot: slot.try_get("slot")?,
                position: behind.try_get("reached")?,
                events_behind: behind.try_get("events")?,
                seconds_behind: late.unwrap_or_default().max(0.0),
                parked: slot.try_get("parked")?,
            });
        }
    }
    Ok(all)
}
