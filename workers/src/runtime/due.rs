//! What is due: any worker does it, each thing by one worker at a time.

use std::time::Duration;

use event_store::Log;
use event_store::wake::Wake;
use sqlx::{PgPool, Row};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::WORKERS;
use super::error::Error;
use super::registered::Registered;
use super::slot::Slots;

/// How long to wait for a database that is away.
const PAUSE: Duration = Duration::from_millis(500);

/// Does what is due for `policies`, until `stop`: beside other workers, and beside whoever leads.
///
/// # Errors
/// See [`Error`]; what is away is waited for.
pub async fn run_due(
    log: Log,
    policies: Vec<Registered>,
    stop: CancellationToken,
) -> Result<(), Error> {
    let run = async {
        let of = |policy: &Registered| Slots::new(&log, policy);
        let slots: Vec<Slots> = policies.iter().map(of).collect();
        let mut wake = Wake::new(log.pool().clone(), WORKERS);
        let mut tasks = JoinSet::new();
        loop {
            let next = match next_due(log.pool(), &policies).await.map_err(Error::from) {
                Ok(next) => next,
                Err(error) if error.is_away() => {
                    tracing::warn!(%error, "what is due waits for the log's database");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
                Err(error) => return Err(error),
            };
            for (slots, next) in slots.iter().zip(&next) {
                slots.fill(next.due, &mut tasks);
            }
            let later = next.iter().filter_map(|next| next.wait).min();
            wait(&mut wake, later, &mut tasks).await?;
        }
    };
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        ended = run => ended,
    }
}

/// Waits until something new is set, something is due, or it is time to look anyway. A slot that
/// ends has found nothing more to do, so that is no reason to look.
async fn wait(
    wake: &mut Wake,
    later: Option<Duration>,
    tasks: &mut JoinSet<Result<(), Error>>,
) -> Result<(), Error> {
    let due = tokio::time::sleep(later.unwrap_or(Duration::MAX));
    tokio::pin!(due);
    loop {
        tokio::select! {
            _ = wake.wait() => return Ok(()),
            () = &mut due => return Ok(()),
            Some(ended) = tasks.join_next() => {
                ended.map_err(|error| Error::Fatal(error.to_string()))??;
            }
        }
    }
}

/// What is next for a policy.
struct Next {
    /// How much is due, up to what is done at once.
    due: usize,
    /// How long until the first of the rest is.
    wait: Option<Duration>,
}

/// What is next for each of `policies`.
async fn next_due(pool: &PgPool, policies: &[Registered]) -> Result<Vec<Next>, sqlx::Error> {
    let names: Vec<&str> = policies.iter().map(|one| one.name).collect();
    let most: Vec<i64> = policies.iter().map(|one| i64::from(one.at_once)).collect();
    let rows = sqlx::query(
        "SELECT next.due, next.wait FROM unnest($1::text[], $2::bigint[]) \
             WITH ORDINALITY AS one (policy, most, index), \
             LATERAL (SELECT count(*) FILTER (WHERE due_at <= now()) AS due, \
                 extract(epoch FROM min(due_at) FILTER (WHERE due_at > now()) - now())::float8 \
                     AS wait \
                 FROM (SELECT due_at FROM due WHERE due.policy = one.policy \
                     AND state = 'pending' ORDER BY due_at LIMIT one.most + 1) AS first) AS next \
         ORDER BY index",
    )
    .bind(names)
    .bind(most)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let due: i64 = row.try_get("due")?;
            let wait: Option<f64> = row.try_get("wait")?;
            Ok(Next {
                due: due.unsigned_abs() as usize,
                // What is later than in a day is looked for again by then.
                wait: wait.map(|wait| Duration::from_secs_f64(wait.clamp(0.0, 86_400.0))),
            })
        })
        .collect()
}
