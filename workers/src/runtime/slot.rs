//! One thing that is due: taken, attempted, and written down.
//!
//! Its row is locked for as long as the attempt lasts, by a connection of its own. A worker that
//! dies lets go of it at once; one that is frozen keeps it, so that nobody does it a second time.

use std::sync::Arc;
use std::time::Duration;

use event_store::Log;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{FromRow, PgConnection, PgPool};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::backoff::{backoff, jitter};
use super::carry_out::{Command, carry_out};
use super::cause::Cause;
use super::error::{Error, Failure};
use super::registered::{Handler, Registered};
use crate::measure::{self, Attempt};

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// How long to wait for what is away.
const PAUSE: Duration = Duration::from_millis(500);
/// How often something is attempted that fails for itself, before it waits for an operator.
const MOST_ATTEMPTS: i32 = 8;
/// The wait after the first such failure, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// Takes what is due first and nobody else has. While a policy is replayed its timers wait; and a
/// timer waits until the policy has seen everything that was recorded by its time, since an event
/// among that may cancel it.
const TAKE: &str = "SELECT key, event_id, command, correlation_id, traceparent, attempts \
     FROM due JOIN policies USING (policy) \
     WHERE policy = $1 AND state = 'pending' AND due_at <= now() AND replay_until IS NULL \
         AND ($2 OR NOT EXISTS (SELECT 1 FROM events \
             WHERE events.position = policies.position + 1 AND recorded_at <= due_at)) \
     ORDER BY due_at LIMIT 1 FOR UPDATE OF due SKIP LOCKED";

/// What one process does at once for one policy. Its connections are its own, so that what is slow
/// holds up nothing else.
pub(super) struct Slots {
    log: Log,
    policy: Registered,
    pool: PgPool,
    free: Arc<Semaphore>,
}

/// Something that is due.
#[derive(FromRow)]
struct Taken {
    key: String,
    event_id: Uuid,
    command: Option<String>,
    correlation_id: String,
    traceparent: Option<String>,
    attempts: i32,
}

impl Slots {
    pub(super) fn new(log: &Log, policy: &Registered) -> Self {
        let options = PgConnectOptions::clone(&log.pool().connect_options());
        let options = options.options([("idle_in_transaction_session_timeout", "0")]);
        let pool = PgPoolOptions::new()
            .max_connections(policy.at_once)
            .idle_timeout(IDLE)
            .connect_lazy_with(options);
        Self {
            log: log.clone(),
            policy: policy.clone(),
            pool,
            free: Arc::new(Semaphore::new(policy.at_once as usize)),
        }
    }

    /// Has so many slots, as far as they are free, do what is due, until nothing is.
    pub(super) fn fill(&self, wanted: usize, tasks: &mut JoinSet<Result<(), Error>>) {
        for _ in 0..wanted {
            let Ok(slot) = Arc::clone(&self.free).try_acquire_owned() else {
                return;
            };
            let (log, policy, pool) = (self.log.clone(), self.policy.clone(), self.pool.clone());
            tasks.spawn(async move {
                let _slot = slot;
                work_off(&log, &policy, &pool).await
            });
        }
    }
}

/// Does one thing after the other, until nothing more is due that nobody has.
async fn work_off(log: &Log, policy: &Registered, pool: &PgPool) -> Result<(), Error> {
    loop {
        match next(log, policy, pool).await {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(Failure::Fatal(why)) => return Err(Error::Fatal(why)),
            Err(Failure::Fault(why)) => return Err(Error::Fatal(format!("{policy:?}: {why}"))),
            Err(Failure::Away(why)) => {
                tracing::warn!(policy = policy.name, why, "what is due waits");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Does what is due first; whether there was something.
async fn next(log: &Log, policy: &Registered, pool: &PgPool) -> Result<bool, Failure> {
    let mut tx = pool.begin().await?;
    let taken: Option<Taken> = sqlx::query_as(TAKE)
        .bind(policy.name)
        .bind(policy.is_effect())
        .fetch_optional(&mut *tx)
        .await?;
    let Some(taken) = taken else { return Ok(false) };
    let attempt = match attempt(log, policy, &taken).await {
        Ok(()) => Attempt::Done,
        Err(Failure::Fault(why)) => {
            tracing::error!(
                policy = policy.name,
                key = taken.key,
                why,
                "what is due fails"
            );
            fail(&mut tx, policy, &taken, &why).await?
        }
        // Nothing is written down: it is still due.
        Err(other) => return Err(other),
    };
    if matches!(attempt, Attempt::Done) {
        settle(&mut tx, policy, &taken).await?;
    }
    tx.commit().await?;
    measure::attempted(policy.name, attempt);
    Ok(true)
}

async fn attempt(log: &Log, policy: &Registered, taken: &Taken) -> Result<(), Failure> {
    let cause = Cause {
        event_id: taken.event_id,
        correlation_id: taken.correlation_id.clone(),
        traceparent: taken.traceparent.clone(),
    };
    let json = taken.command.as_deref().unwrap_or("null");
    match &policy.handler {
        Handler::Run(run) => run(json, cause).await,
        Handler::CarryOut(read) => {
            let decide = read(json).map_err(|error| Failure::Fault(error.to_string()))?;
            let command = Command {
                policy: policy.name,
                key: format!("{}/timer/{}", taken.event_id, taken.key),
                json,
                cause: &cause,
            };
            carry_out(log, command, decide).await
        }
    }
}

/// It is done.
async fn settle(
    connection: &mut PgConnection,
    policy: &Registered,
    taken: &Taken,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE due SET state = 'done', command = NULL, error = NULL, settled_at = now() \
         WHERE policy = $1 AND key = $2 AND event_id = $3",
    )
    .bind(policy.name)
    .bind(&taken.key)
    .bind(taken.event_id)
    .execute(connection)
    .await?;
    Ok(())
}

/// It failed: it is attempted again later, or waits for an operator.
async fn fail(
    connection: &mut PgConnection,
    policy: &Registered,
    taken: &Taken,
    why: &str,
) -> Result<Attempt, sqlx::Error> {
    let attempts = taken.attempts + 1;
    let given_up = attempts >= MOST_ATTEMPTS;
    let wait = backoff(attempts.unsigned_abs(), FIRST_WAIT, LONGEST_WAIT, jitter());
    sqlx::query(
        "UPDATE due SET attempts = $4, error = $5, \
             state = CASE WHEN $6 THEN 'failed' ELSE state END, \
             due_at = now() + make_interval(secs => $7) \
         WHERE policy = $1 AND key = $2 AND event_id = $3",
    )
    .bind(policy.name)
    .bind(&taken.key)
    .bind(taken.event_id)
    .bind(attempts)
    .bind(why)
    .bind(given_up)
    .bind(wait.as_secs_f64())
    .execute(connection)
    .await?;
    Ok(match given_up {
        true => Attempt::GivenUp,
        false => Attempt::Failed,
    })
}
