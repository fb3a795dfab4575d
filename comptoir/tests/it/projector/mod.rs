//! The live projector against what goes wrong: events that fail, messages that are lost, projectors
//! that are frozen, killed, or come and go.

mod claims;
mod express;
mod holes;
pub mod names;
pub mod one_truth;
mod operator;
mod poison;
mod rebalances;
pub mod topics;

use std::collections::BTreeSet;
use std::time::Duration;

use event_store::read;
use projections::runtime::parked::{self, Stream};
use projections::runtime::{self, Registered, Source};
use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::runtime::{caught_up, emptied, project, tables};
use crate::support::{Answer, Client, System};

const LIMIT: Duration = Duration::from_secs(60);

/// Gives a hotel another name.
async fn rename(hotelier: &Client, hotel: Uuid, name: &str) -> Answer {
    let mut body = Client::hotel_body(4);
    body["name"] = json!(name);
    let path = format!("/api/hotels/{hotel}");
    hotelier.put(&path, body).await.expect(200)
}

/// What is parked for `projection`.
async fn parked_for(system: &System, projection: &str) -> Vec<Stream> {
    parked::list(&system.read, Some(projection)).await.unwrap()
}

/// A projector of a system, in this process.
pub struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<Result<(), runtime::Error>>,
}

impl Running {
    pub fn start(system: &System, source: Source) -> Self {
        Self::of(system, source, projections::all())
    }

    /// One that knows these projections alone.
    pub fn of(system: &System, source: Source, projections: Vec<Registered>) -> Self {
        let stop = CancellationToken::new();
        let (log, read) = (system.log.clone(), system.read.clone());
        let run = runtime::run(log, read, projections, source, stop.clone());
        let task = tokio::spawn(run);
        Self { stop, task }
    }

    pub async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// The sessions that wait for the watermarks.
pub async fn waiting(read: &PgPool) -> BTreeSet<i32> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
         AND wait_event_type = 'Lock' AND query LIKE '%FROM watermarks%FOR UPDATE%'";
    let pids: Vec<i32> = sqlx::query_scalar(sql).fetch_all(read).await.unwrap();
    pids.into_iter().collect()
}

/// What stands in the read tables is what the log alone gives.
async fn is_what_the_log_gives(system: &System) {
    caught_up(&system.log, &system.read).await;
    let live = tables(&system.read).await;
    assert!(live.iter().any(|(_, rows)| !rows.is_empty()));
    emptied(&system.read).await;
    project(system, Source::Log).await;
    assert_eq!(tables(&system.read).await, live);
}

/// Holes that were filled: how many, and how many events they had.
async fn filled(system: &System) -> (i64, i64) {
    let sql = "SELECT count(*), coalesce(sum(events), 0)::bigint FROM holes";
    sqlx::query_as(sql).fetch_one(&system.read).await.unwrap()
}

/// The events of the log, as they are stored.
pub async fn stored(system: &System) -> Vec<event_store::RecordedEvent> {
    read::after(system.log.pool(), 0, 100_000).await.unwrap()
}
