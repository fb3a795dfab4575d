//! Where an export begins and ends: at a position, or at a time when events were recorded.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use event_store::Position;
use event_store::as_of::{recorded_before, recorded_by};
use sqlx::PgPool;

/// A position, or a time as `recorded_at` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// This position.
    Position(Position),
    /// This time.
    Time(DateTime<Utc>),
}

/// A text that is neither.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0:?} is neither a position (a number from 1) nor a time (such as 2030-08-01T12:00:00Z)")]
pub struct NoBound(String);

impl FromStr for Bound {
    type Err = NoBound;

    fn from_str(text: &str) -> Result<Self, NoBound> {
        let position = text.parse().ok().filter(|position| *position > 0);
        let time = || DateTime::parse_from_rfc3339(text).ok();
        match position {
            Some(position) => Ok(Self::Position(position)),
            None => time()
                .map(|time| Self::Time(time.to_utc()))
                .ok_or_else(|| NoBound(text.to_owned())),
        }
    }
}

/// The range from the first to the last position that lie within both bounds, which are included;
/// the last is below the first when there is none.
///
/// # Errors
/// When the database is away.
pub async fn range(
    pool: &PgPool,
    from: Option<Bound>,
    to: Option<Bound>,
) -> Result<(Position, Position), sqlx::Error> {
    let (_, head) = event_store::head(pool).await?;
    let first = match from {
        None => 1,
        Some(Bound::Position(position)) => position,
        Some(Bound::Time(time)) => 1 + recorded_before(pool, time, head).await?,
    };
    let last = match to {
        None => head,
        Some(Bound::Position(position)) => position.min(head),
        Some(Bound::Time(time)) => recorded_by(pool, time, head).await?,
    };
    Ok((first, last))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_a_position_or_a_time() {
        assert_eq!("17".parse::<Bound>().unwrap(), Bound::Position(17));
        let time: Bound = "2030-08-01T12:00:00.000001+02:00".parse().unwrap();
        assert_eq!(
            time,
            Bound::Time("2030-08-01T10:00:00.000001Z".parse().unwrap())
        );
        for neither in ["0", "-1", "", "yesterday", "2030-08-01"] {
            assert!(neither.parse::<Bound>().is_err(), "{neither}");
        }
    }
}
