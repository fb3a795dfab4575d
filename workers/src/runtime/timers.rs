//! What is due later: set and cancelled by events. Doing either again changes nothing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use event_store::Position;
use event_store::personal::mentions;
use sqlx::PgPool;

use super::WORKERS;
use super::cause::Cause;
use super::error::Failure;

/// How long until it is looked again whether an attempt that is under way has ended.
const PAUSE: Duration = Duration::from_millis(100);

/// What an event sets.
pub(super) struct Timer<'a> {
    pub(super) policy: &'static str,
    pub(super) key: &'a str,
    pub(super) due: DateTime<Utc>,
    /// As JSON.
    pub(super) command: &'a str,
    /// Where the event is that sets it.
    pub(super) position: Position,
}

/// Sets a timer, in place of the one that the key had. Set again by the same event it stays as it
/// is, also when it was done or cancelled since.
pub(super) async fn set(pool: &PgPool, timer: Timer<'_>, cause: &Cause) -> Result<(), Failure> {
    if mentions(timer.command) {
        let why = "a command that waits would hold personal data in clear".to_owned();
        return Err(Failure::Fault(why));
    }
    cancel(pool, timer.policy, timer.key, timer.position).await?;
    sqlx::query(
        "WITH new AS (INSERT INTO due (policy, key, event_id, position, due_at, command, \
                 correlation_id, traceparent) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT DO NOTHING RETURNING policy) \
         SELECT pg_notify($9, policy) FROM new",
    )
    .bind(timer.policy)
    .bind(timer.key)
    .bind(cause.event_id)
    .bind(timer.position)
    .bind(timer.due)
    .bind(timer.command)
    .bind(&cause.correlation_id)
    .bind(&cause.traceparent)
    .bind(WORKERS)
    .execute(pool)
    .await?;
    Ok(())
}

/// Cancels what events before `position` have set under `key`. One that is being done right now is
/// waited for: its attempt may fail, and then it must not be tried again.
pub(super) async fn cancel(
    pool: &PgPool,
    policy: &str,
    key: &str,
    position: Position,
) -> Result<(), Failure> {
    loop {
        let left: bool = sqlx::query_scalar(
            "WITH free AS (SELECT event_id FROM due WHERE policy = $1 AND key = $2 \
                     AND state = 'pending' AND position < $3 FOR UPDATE SKIP LOCKED), \
                 cancelled AS (UPDATE due SET state = 'cancelled', command = NULL, \
                     settled_at = now() \
                     FROM free WHERE policy = $1 AND key = $2 AND due.event_id = free.event_id \
                     RETURNING 1) \
             SELECT (SELECT count(*) FROM due WHERE policy = $1 AND key = $2 \
                     AND state = 'pending' AND position < $3) > (SELECT count(*) FROM cancelled)",
        )
        .bind(policy)
        .bind(key)
        .bind(position)
        .fetch_one(pool)
        .await?;
        if !left {
            return Ok(());
        }
        tokio::time::sleep(PAUSE).await;
    }
}
