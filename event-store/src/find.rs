//! Finding an event by its id, for which there is no index.

use chrono::{DateTime, Duration, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::recorded::Position;

/// How far the time of an id may be from when its event was recorded: ids are made before the
/// commit, by clocks of several machines.
const APART: Duration = Duration::minutes(5);

/// The position of the event `id`; none when the log has none. The time in the id tells where to
/// look first; then the whole log is read.
///
/// # Errors
/// When the database is away.
pub async fn position(log: &PgPool, id: Uuid) -> Result<Option<Position>, sqlx::Error> {
    if let Some(made) = made_at(id) {
        let from = at(log, made - APART).await?;
        let to = at(log, made + APART).await?;
        let near = among(log, id, from, to).await?;
        if near.is_some() {
            return Ok(near);
        }
    }
    among(log, id, 0, Position::MAX).await
}

/// The last position that was recorded at `time` or before; 0 when there is none. `recorded_at` never
/// decreases with the position, so this halves and halves.
///
/// # Errors
/// When the database is away.
pub async fn at(log: &PgPool, time: DateTime<Utc>) -> Result<Position, sqlx::Error> {
    let head = "SELECT position FROM head";
    let (mut before, mut after): (Position, Position) = (
        0,
        sqlx::query_scalar::<_, Position>(head)
            .fetch_one(log)
            .await?
            + 1,
    );
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        let sql = "SELECT recorded_at <= $2 FROM events WHERE position = $1";
        let is_before: Option<bool> = sqlx::query_scalar(sql)
            .bind(middle)
            .bind(time)
            .fetch_optional(log)
            .await?;
        match is_before.unwrap_or(false) {
            true => before = middle,
            false => after = middle,
        }
    }
    Ok(before)
}

async fn among(
    log: &PgPool,
    id: Uuid,
    from: Position,
    to: Position,
) -> Result<Option<Position>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT position FROM events WHERE event_id = $1 AND position BETWEEN $2 AND $3 LIMIT 1",
    )
    .bind(id)
    .bind(from)
    .bind(to)
    .fetch_optional(log)
    .await
}

fn made_at(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    DateTime::from_timestamp(seconds.cast_signed(), nanos)
}
