//! Moments of the log: a position, or a time and the last position that was recorded by then.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use sqlx::PgPool;
use uuid::Uuid;

use crate::recorded::Position;

/// A moment, as it is asked for. A time means `recorded_at`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsOf {
    /// When the log ended with this position; 0 is before the first event.
    Position(Position),
    /// What was recorded by then.
    Time(DateTime<Utc>),
}

/// A moment of a log that has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Which log.
    pub epoch: Uuid,
    /// The last position that it had.
    pub position: Position,
    /// The time that is asked for, or that at which the position was recorded; the beginning of
    /// time for position 0.
    pub time: DateTime<Utc>,
}

/// Why there is no such moment.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is neither a time nor a position.
    #[error(
        "a moment is a position of the log, such as 4711, or a time, such as 2026-03-01T12:00:00Z"
    )]
    Malformed,
    /// It has not come yet.
    #[error("{0} has not come yet: the log ends at position {1}")]
    Ahead(AsOf, Position),
    /// The log's database is away or refuses.
    #[error("the log's database: {0}")]
    Database(#[from] sqlx::Error),
}

impl FromStr for AsOf {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        if text.bytes().all(|byte| byte.is_ascii_digit()) {
            let position = text.parse().map_err(|_| Error::Malformed)?;
            return Ok(Self::Position(position));
        }
        let time = DateTime::parse_from_rfc3339(text).map_err(|_| Error::Malformed)?;
        Ok(Self::Time(time.to_utc()))
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => write!(f, "position {position}"),
            Self::Time(time) => {
                let time = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
                f.write_str(&time)
            }
        }
    }
}

impl AsOf {
    /// This moment of the log behind `pool`. What is recorded right now may be committed a moment
    /// later, so a time of the last seconds may mean more when it is asked for again.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn find(self, pool: &PgPool) -> Result<Moment, Error> {
        let (epoch, end) = crate::head(pool).await?;
        let (position, time) = match self {
            Self::Position(position) if position > end => return Err(Error::Ahead(self, end)),
            Self::Position(position) => (position, recorded_at(pool, position).await?),
            Self::Time(time) if time > Utc::now() => return Err(Error::Ahead(self, end)),
            Self::Time(time) => (recorded_by(pool, time, end).await?, time),
        };
        Ok(Moment {
            epoch,
            position,
            time,
        })
    }
}

async fn recorded_at(pool: &PgPool, position: Position) -> Result<DateTime<Utc>, sqlx::Error> {
    if position == 0 {
        return Ok(DateTime::UNIX_EPOCH);
    }
    sqlx::query_scalar("SELECT recorded_at FROM events WHERE position = $1")
        .bind(position)
        .fetch_one(pool)
        .await
}

/// The last position up to `end` that was recorded by `time`; 0 when none was. `recorded_at` never
/// decreases with the position, so halving finds it by the index of positions; a position that is
/// missing counts as the one after it.
///
/// # Errors
/// When the database is away.
pub async fn recorded_by(
    pool: &PgPool,
    time: DateTime<Utc>,
    end: Position,
) -> Result<Position, sqlx::Error> {
    sqlx::query_scalar(
        "WITH RECURSIVE search (low, high) AS ( \
             SELECT 0::bigint, $2::bigint \
             UNION ALL \
             SELECT CASE WHEN by_then THEN middle ELSE low END, \
                 CASE WHEN by_then THEN high ELSE middle - 1 END \
             FROM search, LATERAL (SELECT (low + high + 1) / 2 AS middle) AS half, \
                 LATERAL (SELECT coalesce((SELECT recorded_at <= $1 FROM events \
                     WHERE position >= middle ORDER BY position LIMIT 1), false) AS by_then) AS at \
             WHERE low < high) \
         SELECT low FROM search WHERE low = high",
    )
    .bind(time)
    .bind(end)
    .fetch_one(pool)
    .await
}

/// The last position up to `end` that was recorded before `time`.
///
/// # Errors
/// When the database is away.
pub async fn recorded_before(
    pool: &PgPool,
    time: DateTime<Utc>,
    end: Position,
) -> Result<Position, sqlx::Error> {
    // Times are stored in microseconds.
    recorded_by(pool, time - TimeDelta::microseconds(1), end).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_position_or_a_time() {
        let time = "2026-03-01T12:00:00+01:00".parse().ok();
        let utc = DateTime::parse_from_rfc3339("2026-03-01T11:00:00Z");
        assert_eq!(time, utc.ok().map(|utc| AsOf::Time(utc.to_utc())));
        assert_eq!("12".parse().ok(), Some(AsOf::Position(12)));
        for text in ["", "-1", "yesterday", "2026-03-01", "99999999999999999999"] {
            assert!(text.parse::<AsOf>().is_err(), "{text}");
        }
    }
}
