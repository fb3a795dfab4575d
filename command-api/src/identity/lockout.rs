//! Guessing passwords gets slower with each wrong one, for an address that nobody has too.

use std::time::Duration;

use service_kit::problem::Problem;
use sqlx::PgPool;
use uuid::Uuid;

use crate::execute::database;

/// As many wrong passwords cost nothing.
const FREE: i32 = 10;
/// How long the next attempt waits after that, doubled with each.
const FIRST_WAIT: Duration = Duration::from_secs(30);
/// The longest wait: who attacks an account must not keep its owner out for long.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// After so long a time without an attempt all is forgotten.
pub(super) const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3_600);

/// Counts an attempt for the address whose claim is `claim`. It is counted before the password is
/// looked at, so that many at once are not free.
///
/// # Errors
/// `429` while the address has to wait; `503` when the database is away.
pub(super) async fn attempt(pool: &PgPool, claim: Uuid) -> Result<(), Problem> {
    let mut tx = pool.begin().await.map_err(|error| database(&error))?;
    // The row is locked from here on, so attempts at one address go one after the other.
    let (failures, idle): (i32, f64) = sqlx::query_as(
        "INSERT INTO sign_in_failures AS f VALUES ($1, 0, now()) \
         ON CONFLICT (claim) DO UPDATE SET claim = f.claim \
         RETURNING failures, extract(epoch FROM now() - last_at)::float8",
    )
    .bind(claim)
    .fetch_one(&mut *tx)
    .await
    .map_err(|error| database(&error))?;
    let idle = Duration::from_secs_f64(idle.max(0.0));
    let failures = if idle > FORGOTTEN_AFTER { 0 } else { failures };
    let left = wait_after(failures).saturating_sub(idle);
    if !left.is_zero() {
        let seconds = left.as_secs_f64().ceil() as u32;
        let detail = "too many wrong passwords; wait, or set another password by e-mail";
        return Err(Problem::too_many(detail, seconds));
    }
    sqlx::query("UPDATE sign_in_failures SET failures = $2, last_at = now() WHERE claim = $1")
        .bind(claim)
        .bind(failures.saturating_add(1))
        .execute(&mut *tx)
        .await
        .map_err(|error| database(&error))?;
    tx.commit().await.map_err(|error| database(&error))
}

/// Forgets the attempts: the password was right, or is another now.
///
/// # Errors
/// `503` when the database is away.
pub(super) async fn forget(pool: &PgPool, claim: Uuid) -> Result<(), Problem> {
    sqlx::query("DELETE FROM sign_in_failures WHERE claim = $1")
        .bind(claim)
        .execute(pool)
        .await
        .map_err(|error| database(&error))?;
    Ok(())
}

/// How long the next attempt has to wait after so many.
fn wait_after(failures: i32) -> Duration {
    let Ok(doublings) = u32::try_from(failures - FREE) else {
        return Duration::ZERO;
    };
    let wait = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(doublings));
    wait.min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let seconds = |failures| wait_after(failures).as_secs();
        assert_eq!([0, 1, 9].map(seconds), [0, 0, 0]);
        assert_eq!([10, 11, 12, 14].map(seconds), [30, 60, 120, 480]);
        assert_eq!([15, 16, 100, i32::MAX].map(seconds), [900; 4]);
    }
}
