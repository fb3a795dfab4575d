//! Which tables are being built, and which shadows nobody builds any more.

use sqlx::{PgPool, Row};

use super::lock::LOCK;
use crate::runtime::{Registered, Slot};

/// What there is of a projection's tables.
#[derive(Debug, Clone, Copy)]
pub struct Tables {
    /// The projection.
    pub projection: Registered,
    /// Whether it has a live table with all that was in the log when it was built.
    pub built: bool,
    /// Whether it has a shadow table.
    pub shadow: bool,
    /// Whether somebody rebuilds it, compares it or goes back to the previous one now.
    pub rebuilding: bool,
}

/// What there is of the tables of `projections`.
///
/// # Errors
/// When the database is away.
pub async fn tables(read: &PgPool, projections: &[Registered]) -> Result<Vec<Tables>, sqlx::Error> {
    let names: Vec<&str> = projections.iter().map(|one| one.name).collect();
    let versions: Vec<i32> = projections.iter().map(|one| one.version).collect();
    let shadows: Vec<String> = projections
        .iter()
        .map(|one| one.relation(Slot::Shadow))
        .collect();
    let rows = sqlx::query(
        "SELECT to_regclass(shadow) IS NOT NULL AS shadow, \
             EXISTS (SELECT FROM watermarks WHERE watermarks.projection = asked.projection \
                 AND watermarks.version = asked.version AND slot = $4) AS built, \
             EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted \
                 AND classid::bigint = $5 AND objsubid = 2 \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) \
                 AND objid::bigint = hashtext(projection || ' ' || version)::bigint & 4294967295) \
                 AS rebuilding \
         FROM unnest($1::text[], $2::integer[], $3::text[]) WITH ORDINALITY \
             AS asked (projection, version, shadow, place) ORDER BY place",
    )
    .bind(names)
    .bind(versions)
    .bind(shadows)
    .bind(Slot::Live.name())
    .bind(i64::from(LOCK))
    .fetch_all(read)
    .await?;
    rows.iter()
        .zip(projections)
        .map(|(row, projection)| {
            Ok(Tables {
                projection: *projection,
                built: row.try_get("built")?,
                shadow: row.try_get("shadow")?,
                rebuilding: row.try_get("rebuilding")?,
            })
        })
        .collect()
}
