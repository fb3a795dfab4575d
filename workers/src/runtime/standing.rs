//! How far policies are, and what waits.

use event_store::Position;
use serde::Serialize;
use sqlx::{FromRow, PgPool};

/// How far a policy or an effect is.
#[derive(Debug, Clone, PartialEq, Serialize, FromRow)]
pub struct Standing {
    /// Its name.
    pub policy: String,
    /// Everything up to here was reacted to, or is parked.
    pub position: Position,
    /// Events of the log after it.
    pub events_behind: i64,
    /// How long ago the first of those was recorded.
    pub seconds_behind: f64,
    /// Where a replay is.
    pub replayed_to: Option<Position>,
    /// Where it ends.
    pub replay_until: Option<Position>,
    /// What is to be done some time.
    pub pending: i64,
    /// What of that is being tried again.
    pub retried: i64,
    /// For how long the first of it is due.
    pub overdue_seconds: f64,
    /// What failed too often, and waits for an operator.
    pub failed: i64,
    /// Events that are parked, with those that wait behind them.
    pub parked: i64,
}

/// How far every policy and effect is that the log's database knows.
///
/// # Errors
/// When the database is away.
pub async fn standing(pool: &PgPool) -> Result<Vec<Standing>, sqlx::Error> {
    sqlx::query_as(
        "SELECT policy, policies.position, replayed_to, replay_until, \
             head.position - policies.position AS events_behind, \
             coalesce(extract(epoch FROM now() - (SELECT recorded_at FROM events \
                 WHERE events.position = policies.position + 1)), 0)::float8 AS seconds_behind, \
             open.pending, open.retried, open.overdue_seconds, \
             (SELECT count(*) FROM due WHERE due.policy = policies.policy AND state = 'failed') \
                 AS failed, \
             (SELECT count(*) FROM policy_parked WHERE policy_parked.policy = policies.policy) \
                 AS parked \
         FROM policies CROSS JOIN head, \
             LATERAL (SELECT count(*) AS pending, count(*) FILTER (WHERE attempts > 0) AS retried, \
                 greatest(coalesce(extract(epoch FROM now() - min(due_at)), 0), 0)::float8 \
                     AS overdue_seconds \
                 FROM due WHERE due.policy = policies.policy AND state = 'pending') AS open \
         ORDER BY policy",
    )
    .fetch_all(pool)
    .await
}
