//! Events that a policy could not react to, and what an operator does about them.

use chrono::{DateTime, Utc};
use event_store::{Position, RecordedEvent};
use serde::Serialize;
use sqlx::{FromRow, PgConnection, PgPool};
use uuid::Uuid;

/// A stream that is parked for a policy, by its first event.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Parked {
    /// The policy.
    pub policy: String,
    /// Whose events.
    pub aggregate_type: String,
    /// Which stream.
    pub aggregate_id: Uuid,
    /// Where the event is that failed.
    pub position: Position,
    /// Which event it is.
    pub event_type: String,
    /// Why it failed; none when it is about to be tried again.
    pub error: Option<String>,
    /// How often it was tried.
    pub attempts: i32,
    /// When it was parked.
    pub parked_at: DateTime<Utc>,
    /// How many events are parked, with those that wait behind it.
    pub events: i64,
}

/// The parked streams of one policy or of all, oldest first.
///
/// # Errors
/// When the database is away.
pub async fn list(pool: &PgPool, policy: Option<&str>) -> Result<Vec<Parked>, sqlx::Error> {
    sqlx::query_as(
        "SELECT * FROM (SELECT DISTINCT ON (policy, aggregate_id) policy_parked.*, \
                 count(*) OVER (PARTITION BY policy, aggregate_id) AS events \
             FROM policy_parked WHERE $1::text IS NULL OR policy = $1 \
             ORDER BY policy, aggregate_id, position) AS firsts \
         ORDER BY position, policy",
    )
    .bind(policy)
    .fetch_all(pool)
    .await
}

/// The first parked events of the same stream for the same policy, in order.
pub(super) async fn positions(pool: &PgPool, of: &Parked) -> Result<Vec<Position>, sqlx::Error> {
    let sql = "SELECT position FROM policy_parked WHERE policy = $1 AND aggregate_id = $2 \
         ORDER BY position LIMIT 100";
    let positions = sqlx::query_scalar(sql).bind(&of.policy);
    positions.bind(of.aggregate_id).fetch_all(pool).await
}

/// Has parked streams tried again, in order, by the worker that leads: of one policy, of one stream,
/// or all. Gives how many streams that are.
///
/// # Errors
/// When the database is away.
pub async fn retry(
    pool: &PgPool,
    policy: Option<&str>,
    stream: Option<Uuid>,
) -> Result<u64, sqlx::Error> {
    let asked = sqlx::query(
        "UPDATE policy_parked SET error = NULL WHERE error IS NOT NULL \
             AND ($1::text IS NULL OR policy = $1) AND ($2::uuid IS NULL OR aggregate_id = $2)",
    )
    .bind(policy)
    .bind(stream)
    .execute(pool)
    .await?;
    Ok(asked.rows_affected())
}

/// Gives up what is parked of one stream for `policy`: it is never reacted to. Later events are.
/// Gives how many events that are.
///
/// # Errors
/// When the database is away.
pub async fn discard(pool: &PgPool, policy: &str, stream: Uuid) -> Result<u64, sqlx::Error> {
    let sql = "DELETE FROM policy_parked WHERE policy = $1 AND aggregate_id = $2";
    let given_up = sqlx::query(sql).bind(policy).bind(stream);
    Ok(given_up.execute(pool).await?.rows_affected())
}

/// An event to be parked.
#[derive(Debug)]
pub(super) struct Parking {
    policy: &'static str,
    position: Position,
    aggregate_type: String,
    aggregate_id: Uuid,
    event_type: String,
    error: Option<String>,
}

impl Parking {
    /// `event` for `policy`: it failed, or waits behind one that did.
    pub(super) fn of(policy: &'static str, event: &RecordedEvent, error: Option<String>) -> Self {
        Self {
            policy,
            position: event.position,
            aggregate_type: event.aggregate_type.clone(),
            aggregate_id: event.aggregate_id,
            event_type: event.event_type.clone(),
            error,
        }
    }

    /// Writes it down. One that is parked already has failed once more, or waits as it did.
    pub(super) async fn insert(&self, connection: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO policy_parked AS old (policy, position, aggregate_type, aggregate_id, \
                 event_type, error, attempts) \
             VALUES ($1, $2, $3, $4, $5, $6, CASE WHEN $6 IS NULL THEN 0 ELSE 1 END) \
             ON CONFLICT (policy, position) DO UPDATE SET error = excluded.error, \
                 attempts = old.attempts + 1 WHERE excluded.error IS NOT NULL",
        )
        .bind(self.policy)
        .bind(self.position)
        .bind(&self.aggregate_type)
        .bind(self.aggregate_id)
        .bind(&self.event_type)
        .bind(&self.error)
        .execute(connection)
        .await?;
        Ok(())
    }
}
