//! Picking events out of the log: those of one topic partition, or those at given positions.

use sqlx::PgPool;

use crate::recorded::{COLUMNS, Position, RecordedEvent};

/// At most `limit` events of the topic partition `partition` of `context`, in order: those after
/// the position `after`, up to and with `up_to`.
///
/// # Errors
/// When the database is away.
pub async fn of_partition(
    pool: &PgPool,
    (context, partition): (&str, i32),
    (after, up_to): (Position, Position),
    limit: i64,
) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events WHERE position > $1 AND position <= $2 \
             AND partition = $3 AND split_part(aggregate_type, '.', 1) = $4 \
         ORDER BY position LIMIT $5"
    );
    let rows = sqlx::query(&sql)
        .bind(after)
        .bind(up_to)
        .bind(partition)
        .bind(context)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(RecordedEvent::from_row).collect()
}

/// The events at `positions`, in order, as far as they are there.
///
/// # Errors
/// When the database is away.
pub async fn at(pool: &PgPool, positions: &[Position]) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM events WHERE position = ANY($1) ORDER BY position");
    let rows = sqlx::query(&sql).bind(positions).fetch_all(pool).await?;
    rows.iter().map(RecordedEvent::from_row).collect()
}
