//! Tables that count as projected, up to the log's beginning: a projector goes on with them event by
//! event instead of building them anew.

use projections::runtime::Registered;
use sqlx::PgConnection;

use super::ours::PARTITIONS;

/// Puts every watermark of `projections` at the beginning, and has none of others.
pub(super) async fn at_the_beginning(
    connection: &mut PgConnection,
    projections: &[Registered],
) -> anyhow::Result<()> {
    sqlx::query("TRUNCATE read.watermarks")
        .execute(&mut *connection)
        .await?;
    for projection in projections {
        sqlx::query(
            "INSERT INTO read.watermarks (projection, version, context, partition, epoch) \
             SELECT $1, $2, $3, partition, epoch \
             FROM log.head, generate_series(0, $4 - 1) AS partition",
        )
        .bind(projection.name)
        .bind(projection.version)
        .bind(projection.context)
        .bind(PARTITIONS.cast_signed())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
