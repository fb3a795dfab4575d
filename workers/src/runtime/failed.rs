//! What was due and failed too often, and what an operator does about it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use super::WORKERS;

/// A timer or an act that is not attempted any more.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Failed {
    /// The policy or effect.
    pub policy: String,
    /// The timer, among those of the policy.
    pub key: String,
    /// The event that set it.
    pub event_id: Uuid,
    /// When it would have been attempted again.
    pub due_at: DateTime<Utc>,
    /// How often it was.
    pub attempts: i32,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// What failed too often, of one policy or of all, oldest first.
///
/// # Errors
/// When the database is away.
pub async fn list(pool: &PgPool, policy: Option<&str>) -> Result<Vec<Failed>, sqlx::Error> {
    sqlx::query_as(
        "SELECT policy, key, event_id, due_at, attempts, error FROM due \
         WHERE state = 'failed' AND ($1::text IS NULL OR policy = $1) ORDER BY due_at, policy, key",
    )
    .bind(policy)
    .fetch_all(pool)
    .await
}

/// Has what failed attempted again from now on: of one policy, of one key, or all. Gives how much.
///
/// # Errors
/// When the database is away.
pub async fn retry(
    pool: &PgPool,
    policy: Option<&str>,
    key: Option<&str>,
) -> Result<u64, sqlx::Error> {
    let retried = sqlx::query(
        "WITH again AS (UPDATE due SET state = 'pending', attempts = 0, due_at = now() \
                 WHERE state = 'failed' AND ($1::text IS NULL OR policy = $1) \
                     AND ($2::text IS NULL OR key = $2) RETURNING policy) \
         SELECT pg_notify($3, policy) FROM again",
    )
    .bind(policy)
    .bind(key)
    .bind(WORKERS)
    .execute(pool)
    .await?;
    Ok(retried.rows_affected())
}

/// Gives up what failed under `key`: it is never done. Gives how much.
///
/// # Errors
/// When the database is away.
pub async fn discard(pool: &PgPool, policy: &str, key: &str) -> Result<u64, sqlx::Error> {
    let given_up = sqlx::query(
        "UPDATE due SET state = 'cancelled', command = NULL, settled_at = now() \
         WHERE state = 'failed' AND policy = $1 AND key = $2",
    )
    .bind(policy)
    .bind(key)
    .execute(pool)
    .await?;
    Ok(given_up.rows_affected())
}
