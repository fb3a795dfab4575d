//! How soon queries see a booking: watched for a sample, one booking at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use uuid::Uuid;

use super::api::{Answer, Api};
use super::outcome::Outcome;
use super::plan::{Step, Verb};

const EVERY: usize = 25;
const GIVEN_UP_AFTER: Duration = Duration::from_secs(30);
const BETWEEN_QUERIES: Duration = Duration::from_millis(20);

/// Watches one booking at a time; what it learns is in microseconds, none when it gave up.
pub(super) struct Sight {
    api: Arc<Api>,
    watched: JoinSet<Option<u64>>,
}

impl Sight {
    pub(super) fn new(api: &Arc<Api>) -> Self {
        Self {
            api: Arc::clone(api),
            watched: JoinSet::new(),
        }
    }

    /// Watches this booking if it is one of the sample and none is watched now.
    pub(super) fn watch(&mut self, step: &Step, answer: &Answer) {
        let in_sample = step.verb == Verb::Book && step.row.is_multiple_of(EVERY);
        if !in_sample || answer.outcome != Outcome::Accepted || !self.watched.is_empty() {
            return;
        }
        if let (Some(id), Some(token)) = (answer.id, &answer.token) {
            let seen = seen(Arc::clone(&self.api), id, token.clone(), answer.at);
            self.watched.spawn(seen);
        }
    }

    /// What was learnt since it was last asked.
    pub(super) fn learnt(&mut self) -> Option<Option<u64>> {
        self.watched.try_join_next()?.ok()
    }

    /// What is still to be learnt.
    pub(super) async fn last(&mut self) -> Option<Option<u64>> {
        self.watched.join_next().await?.ok()
    }
}

async fn seen(api: Arc<Api>, id: Uuid, token: String, answered: Instant) -> Option<u64> {
    let path = format!("/api/reservations/{id}");
    while answered.elapsed() < GIVEN_UP_AFTER {
        let status = api.sees(&path, &token).await;
        if status.is_some_and(|status| status.is_success()) {
            return u64::try_from(answered.elapsed().as_micros()).ok();
        }
        tokio::time::sleep(BETWEEN_QUERIES).await;
    }
    None
}
