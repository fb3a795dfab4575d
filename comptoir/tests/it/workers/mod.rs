//! Workers against what goes wrong: kills, freezes, restarts, replays, history, poison.

mod due;
mod faults;
mod history;
mod operator;
pub mod order;
mod parked;
pub mod policies;
pub mod process;
mod replay;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::decider::Decider;
use domain::streams::{Halt, Streams};
use event_store::append::{Accepted, Metadata, Request, Stop};
use event_store::{Log, RecordedEvent, read};
use uuid::Uuid;

use crate::support::{servers, wait_for};
use order::{Event, Order, Tallies, Tally};
use process::open;

const LIMIT: Duration = Duration::from_secs(60);

/// A log of its own, and its URL.
async fn own_log() -> (Log, String) {
    let url = servers().database().await.database_url;
    (open(&url, "the test").await, url)
}

/// Has something happen to an order.
pub async fn happen(log: &Log, order: Uuid, event: Event) {
    store(log, order, event, Request::default()).await;
}

/// Has an order made that is due in so many milliseconds.
async fn ordered(log: &Log, order: Uuid, ms: i64) {
    let due = Some(in_ms(ms));
    happen(log, order, Event::Ordered { due }).await;
}

/// Has something happen that is imported.
async fn import(log: &Log, order: Uuid, event: Event) {
    let request = Request {
        metadata: Metadata {
            imported: true,
            ..Metadata::default()
        },
        occurred_at: Some(Utc::now() - TimeDelta::days(1)),
        ..Request::default()
    };
    store(log, order, event, request).await;
}

async fn store(log: &Log, order: Uuid, event: Event, request: Request) {
    carry_out::<Order>(log, order, event, request).await;
}

/// Asks something of a tally by hand.
async fn on_tally(log: &Log, tally: Uuid, command: Tally) {
    carry_out::<Tallies>(log, tally, command, Request::default()).await;
}

async fn carry_out<D: Decider>(log: &Log, id: Uuid, command: D::Command, request: Request)
where
    D::Command: Clone + Send,
{
    let decide = move |streams: &mut Streams| streams.decide::<D>(id, command.clone());
    run(log, request, decide).await;
}

/// Runs a decision.
pub async fn run(
    log: &Log,
    request: Request,
    decide: impl Fn(&mut Streams) -> Result<(), Halt> + Send + 'static,
) {
    let decide = move |streams: &mut Streams| match decide(streams) {
        Ok(()) => Ok(Accepted {
            value: (),
            answer: String::new(),
        }),
        Err(Halt::Missing(stream, kind)) => Err(Stop::Missing(stream, kind)),
        Err(other) => Err(Stop::Refused(format!("{other:?}"))),
    };
    log.execute(request, decide).await.unwrap();
}

fn in_ms(ms: i64) -> DateTime<Utc> {
    Utc::now() + TimeDelta::milliseconds(ms)
}

async fn stored(log: &Log) -> Vec<RecordedEvent> {
    read::after(log.pool(), 0, 1_000_000).await.unwrap()
}

/// How often each order was counted, by what it was counted for; and how often it expired.
async fn counted(log: &Log) -> BTreeMap<(Uuid, String), usize> {
    let mut counted = BTreeMap::new();
    for event in stored(log).await {
        let payload: serde_json::Value = serde_json::from_str(&event.payload).unwrap();
        let of = match event.event_type.as_str() {
            "Counted" => (
                payload["order"].as_str().unwrap().parse().unwrap(),
                payload["what"].as_str().unwrap().to_owned(),
            ),
            "Expired" => (event.aggregate_id, "expired".to_owned()),
            _ => continue,
        };
        *counted.entry(of).or_default() += 1;
    }
    counted
}

/// How often that was so of that order.
pub async fn times(log: &Log, order: Uuid, what: &str) -> usize {
    let counted = counted(log).await;
    let times = counted.get(&(order, what.to_owned()));
    times.copied().unwrap_or_default()
}

/// Waits until every policy has done everything that the log has by now, and nothing is due.
async fn quiet(log: &Log) {
    wait_for("the policies", LIMIT, || async {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM policies, head \
                 WHERE policies.position < head.position OR replay_until IS NOT NULL) \
             AND NOT EXISTS (SELECT 1 FROM due WHERE state = 'pending' AND due_at < now())";
        let quiet: bool = sqlx::query_scalar(sql).fetch_one(log.pool()).await.unwrap();
        quiet.then_some(())
    })
    .await;
}
