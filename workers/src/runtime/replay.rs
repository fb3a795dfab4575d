//! A replay: a policy reacts once more to old events. What it did about them stays as it is; what a
//! newer version adds is done. Its timers wait meanwhile, as later events may cancel them.

use event_store::{Log, Position};
use sqlx::PgPool;

use super::error::Error;
use super::lead::Lead;
use super::parked::Parked;
use super::positions::reached;
use super::registered::Registered;
use super::work::Work;

/// Asks for a replay of `policy`, of the events after the position `from` up to the end of the log.
/// The worker that leads takes it up. Gives the last position of it; none when there is no such
/// policy.
///
/// # Errors
/// When the database is away.
pub async fn ask(
    pool: &PgPool,
    policy: &str,
    from: Position,
) -> Result<Option<Position>, sqlx::Error> {
    // What is asked for while a replay runs begins as early as either and ends as late.
    sqlx::query_scalar(
        "UPDATE policies SET replayed_to = least(replayed_to, $2), \
             replay_until = (SELECT position FROM head) \
         WHERE policy = $1 RETURNING replay_until",
    )
    .bind(policy)
    .bind(from.max(0))
    .fetch_optional(pool)
    .await
}

/// A replay that runs.
pub(super) struct Replay {
    policy: &'static str,
    until: Position,
    /// How far it was written down to be.
    written: Position,
    work: Work,
}

impl Replay {
    /// The first one that is asked for.
    pub(super) async fn wanted(
        log: &Log,
        policies: &[Registered],
    ) -> Result<Option<Self>, sqlx::Error> {
        let names: Vec<&str> = policies.iter().map(|one| one.name).collect();
        for reached in reached(log.pool(), &names).await? {
            let of_it = |policy: &&Registered| policy.name == reached.policy;
            if let (Some((from, until)), Some(policy)) =
                (reached.replay, policies.iter().find(of_it))
            {
                tracing::info!(policy = policy.name, from, until, "a policy is replayed");
                return Ok(Some(Self {
                    policy: policy.name,
                    until,
                    written: from,
                    work: Work::start(log, vec![policy.clone()], vec![from], Some(until)),
                }));
            }
        }
        Ok(None)
    }

    /// As [`Work::step`]; without a replay it waits for ever.
    pub(super) async fn step(replay: &mut Option<Self>) -> Result<(), Error> {
        match replay {
            Some(replay) => replay.work.step().await,
            None => std::future::pending().await,
        }
    }

    /// As [`Work::know_parked`].
    pub(super) fn know_parked(&mut self, all: &[Parked]) {
        self.work.know_parked(all);
    }

    /// Writes down how far it is; whether it is over, or another was asked for in its place.
    pub(super) async fn write(&mut self, lead: &mut Lead) -> Result<bool, sqlx::Error> {
        let parked = self.work.take_written().map(|written| written.parked);
        let parked = parked.unwrap_or_default();
        let to = self.work.completed();
        let is_over = to >= self.until;
        if to == self.written && parked.is_empty() && !is_over {
            return Ok(false);
        }
        let reached = (self.written, to, self.until);
        let goes_on = lead.write_replay(self.policy, reached, &parked).await?;
        self.written = to;
        Ok(!goes_on || is_over)
    }
}
