//! Leading: one worker at a time reads the log for all policies.
//!
//! The lead is an advisory lock of a session, and everything a leader writes about positions goes
//! through that session: a leader that lost it can write nothing more. The server itself ends the
//! session of a leader that is frozen, and another takes over. What such a leader had under way is
//! done once all the same, by its keys.

use std::time::Duration;

use event_store::Position;
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor, PgPool};

use super::parked::Parking;

/// The advisory lock that the leader holds, in the log's database.
const LOCK: i64 = 4_715;
/// How often who stands by asks for the lead.
const PAUSE: Duration = Duration::from_millis(500);
/// How a session is that leads. One that says nothing for so long is a frozen worker's; a leader
/// speaks twice a second. What is lost with a crash of the server is done again, and changes nothing.
const SETTINGS: &str = "SET idle_session_timeout = '10s'; \
     SET idle_in_transaction_session_timeout = '10s'; SET synchronous_commit = off";

/// The right to lead.
pub(super) struct Lead(PgConnection);

/// What a leader writes down at once.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Policies that got on.
    pub(super) policies: Vec<&'static str>,
    /// Up to where.
    pub(super) positions: Vec<Position>,
    /// Events that could not be reacted to, or wait behind such.
    pub(super) parked: Vec<Parking>,
    /// Parked events that were reacted to after all.
    pub(super) unparked: Vec<(&'static str, Position)>,
}

/// Waits for the lead.
pub(super) async fn take(pool: &PgPool) -> Result<Lead, sqlx::Error> {
    // A session of its own: the lock lives and dies with it.
    let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
    session.execute(SETTINGS).await?;
    loop {
        let locked: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(LOCK)
            .fetch_one(&mut session)
            .await?;
        if locked {
            return Ok(Lead(session));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

impl Lead {
    /// Shows the server that this leader lives.
    pub(super) async fn speak(&mut self) -> Result<(), sqlx::Error> {
        self.0.ping().await
    }

    /// Writes down how far policies are, together with what is parked on the way.
    pub(super) async fn write(&mut self, written: &Written) -> Result<(), sqlx::Error> {
        let mut tx = Connection::begin(&mut self.0).await?;
        for parking in &written.parked {
            parking.insert(&mut tx).await?;
        }
        for (policy, position) in &written.unparked {
            sqlx::query("DELETE FROM policy_parked WHERE policy = $1 AND position = $2")
                .bind(policy)
                .bind(position)
                .execute(&mut *tx)
                .await?;
        }
        sqlx::query(
            "UPDATE policies SET position = new.position \
             FROM unnest($1::text[], $2::bigint[]) AS new (policy, position) \
             WHERE policies.policy = new.policy",
        )
        .bind(&written.policies)
        .bind(&written.positions)
        .execute(&mut *tx)
        .await?;
        tx.commit().await
    }

    /// Writes down how far a replay is; where it ends it is over. Not when another one was asked for
    /// meanwhile, which takes its place.
    pub(super) async fn write_replay(
        &mut self,
        policy: &str,
        (from, to, until): (Position, Position, Position),
        parked: &[Parking],
    ) -> Result<bool, sqlx::Error> {
        let mut tx = Connection::begin(&mut self.0).await?;
        for parking in parked {
            parking.insert(&mut tx).await?;
        }
        let moved = sqlx::query(
            "UPDATE policies SET replayed_to = CASE WHEN $3 < $4 THEN $3 END, \
                 replay_until = CASE WHEN $3 < $4 THEN $4 END \
             WHERE policy = $1 AND replayed_to = $2 AND replay_until = $4",
        )
        .bind(policy)
        .bind(from)
        .bind(to)
        .bind(until)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(moved.rows_affected() > 0)
    }
}
