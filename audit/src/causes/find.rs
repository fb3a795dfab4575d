//! Where an event is: by the time in its id, for which there is no index.

use chrono::{DateTime, TimeDelta, Utc};
use event_store::Position;
use event_store::as_of::recorded_before;
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::name::EventName;

/// How far from the time in an id it is looked at first, and then. Ids are made just before their
/// batch is stored; clocks of processes differ, and one that is set back makes a log that waits.
const NEAR: TimeDelta = TimeDelta::seconds(2);
const FAR: TimeDelta = TimeDelta::minutes(2);
/// How many positions are looked through by one statement.
const STRETCH: i64 = 100_000;

/// How an event was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// By its position.
    Position,
    /// By the time in its id.
    Time,
    /// In the whole log: its id tells another time, or none.
    WholeLog,
}

/// Where `event` is. The whole log is read for it where that is wanted and its id does not tell.
///
/// # Errors
/// When the database is away.
pub async fn event(
    pool: &PgPool,
    event: EventName,
    whole_log: bool,
) -> Result<Option<(Position, Found)>, sqlx::Error> {
    let id = match event {
        EventName::Id(id) => id,
        EventName::At(position) => {
            let sql = "SELECT position FROM events WHERE position = $1";
            let query = sqlx::query_scalar(sql).bind(position);
            let found = query.fetch_optional(pool).await?;
            return Ok(found.map(|position| (position, Found::Position)));
        }
    };
    let (_, end) = event_store::head(pool).await?;
    if let Some(time) = time_of(id) {
        for far in [NEAR, FAR] {
            let from = recorded_before(pool, time - far, end).await? + 1;
            let to = recorded_before(pool, time + far, end).await? + 1;
            if let Some(position) = among(pool, id, from, to).await? {
                return Ok(Some((position, Found::Time)));
            }
        }
    }
    if whole_log && let Some(position) = among(pool, id, 1, end + 1).await? {
        return Ok(Some((position, Found::WholeLog)));
    }
    Ok(None)
}

/// The time in a UUIDv7, as far as one that was made by nobody's clock is a time at all.
fn time_of(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = (id.get_version_num() == 7)
        .then(|| id.get_timestamp())?
        .map(|time| time.to_unix())?;
    let time = DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)?;
    let (first, last) = (DateTime::UNIX_EPOCH, Utc::now() + TimeDelta::days(1));
    (first..last).contains(&time).then_some(time)
}

/// The position of `id` among those from `from` on and before `to`.
async fn among(
    pool: &PgPool,
    id: Uuid,
    from: Position,
    to: Position,
) -> Result<Option<Position>, sqlx::Error> {
    let sql = "SELECT position FROM events \
         WHERE position >= $1 AND position < $2 AND event_id = $3 LIMIT 1";
    let mut from = from;
    while from < to {
        let next = to.min(from + STRETCH);
        let query = sqlx::query_scalar(sql).bind(from).bind(next).bind(id);
        if let Some(position) = query.fetch_optional(pool).await? {
            return Ok(Some(position));
        }
        from = next;
    }
    Ok(None)
}
