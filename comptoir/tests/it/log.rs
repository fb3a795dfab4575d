//! The laws of the log: order, all or nothing, acknowledged is kept, retries.

use std::time::Duration;

use chrono::Utc;
use cqrs_es::persist::PersistedEventRepository;
use domain::aggregate::Root;
use domain::decider::Decider;
use domain::identity::email::{EmailClaim, Event};
use domain::streams::{DecidedEvent, StreamId, StreamKind, stored_json};
use event_store::append::{Append, AppendError, Metadata, StreamAppend};
use event_store::idempotency::NewRecord;
use event_store::personal::Keyring;
use event_store::{Log, Options, database, leaf_hash, read, stock};
use sqlx::{Connection, Executor, PgConnection, Row};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{servers, wait_for};

/// A log of its own, as each of several processes opens it.
pub(crate) async fn open(url: &str) -> Log {
    let options = Options {
        contexts: domain::CONTEXTS.to_vec(),
        partitions: 3,
        keyring: Keyring::none(),
    };
    let pool = database::pool(url, "log", 4).unwrap();
    Log::open(pool, &options, CancellationToken::new())
        .await
        .unwrap()
}

fn event(account_id: Uuid) -> DecidedEvent {
    DecidedEvent {
        event_type: "EmailClaimed",
        event_version: 1,
        payload: stored_json(&Event::EmailClaimed { account_id }),
    }
}

pub(crate) fn to_stream(id: Uuid, expected_version: u64, count: usize) -> StreamAppend {
    StreamAppend {
        stream: StreamId::of::<EmailClaim>(id),
        expected_version,
        events: vec![event(id); count],
    }
}

pub(crate) fn append(streams: Vec<StreamAppend>) -> Append {
    Append {
        streams,
        metadata: Metadata::default(),
        occurred_at: None,
        idempotency: None,
    }
}

fn keyed(key: &str, streams: Vec<StreamAppend>) -> Append {
    let record = NewRecord {
        scope: "tests".to_owned(),
        key: key.to_owned(),
        digest: [7; 32],
        answer: "{}".to_owned(),
    };
    Append {
        idempotency: Some(record),
        ..append(streams)
    }
}

/// Law 1: two writers with their own pools, conflicts among them, transactions of the log's
/// tables left open elsewhere, and a reader that follows all the while.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_are_dense_and_a_reader_never_sees_one_before_the_other() {
    let url = servers().database().await.database_url;
    let logs = [open(&url).await, open(&url).await];
    let mut idle = PgConnection::connect(&url).await.unwrap();
    idle.execute("BEGIN; CREATE TABLE elsewhere (); SELECT txid_current()")
        .await
        .unwrap();
    let reader = logs[0].pool().clone();
    let following = tokio::spawn(async move {
        let mut seen = 0;
        while seen < 2_000 {
            for event in read::after(&reader, seen, 500).await.unwrap() {
                assert_eq!(event.position, seen + 1, "a hole, or out of order");
                seen = event.position;
            }
        }
    });
    let shared_stream = Uuid::now_v7();
    let writers = (0..40).map(|writer: usize| {
        let log = logs[writer % 2].clone();
        async move {
            let mut conflicts = 0;
            for _ in 0..25 {
                log.append(append(vec![to_stream(Uuid::now_v7(), 0, 2)]))
                    .await
                    .unwrap();
                let contended = append(vec![to_stream(shared_stream, 0, 1)]);
                conflicts += usize::from(log.append(contended).await.is_err());
            }
            conflicts
        }
    });
    let conflicts: usize = futures::future::join_all(writers).await.into_iter().sum();
    assert_eq!(
        conflicts,
        40 * 25 - 1,
        "the contended event was written once"
    );
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, following)
        .await
        .expect("the reader got stuck")
        .unwrap();
    assert_eq!(logs[0].head().await.unwrap(), 2_001);
    let all = read::after(logs[0].pool(), 0, 5_000).await.unwrap();
    assert!(all.iter().map(|event| event.position).eq(1..=2_001));
    assert!(
        all.windows(2)
            .all(|two| two[0].recorded_at <= two[1].recorded_at)
    );
}

/// Law 2: of a command on two streams, one of which moved on, nothing is stored; and its batch
/// mates are not touched.
#[tokio::test]
async fn a_command_is_all_or_nothing_and_a_conflict_is_its_own_alone() {
    let log = open(&servers().database().await.database_url).await;
    let (held, free) = (Uuid::now_v7(), Uuid::now_v7());
    log.append(append(vec![to_stream(held, 0, 1)]))
        .await
        .unwrap();
    let both = append(vec![to_stream(free, 0, 1), to_stream(held, 0, 1)]);
    let mates = (0..20).map(|_| log.append(append(vec![to_stream(Uuid::now_v7(), 0, 1)])));
    let (refused, mates) = tokio::join!(log.append(both), futures::future::join_all(mates));
    let conflict = AppendError::Conflict {
        stream: StreamId::of::<EmailClaim>(held),
        expected: 0,
        actual: 1,
    };
    assert_eq!(refused.unwrap_err().to_string(), conflict.to_string());
    assert!(mates.iter().all(Result::is_ok));
    let kind = StreamKind::of::<EmailClaim>();
    let (loaded, _) = log
        .load(StreamId::of::<EmailClaim>(free), kind)
        .await
        .unwrap();
    assert_eq!(loaded.version, 0);
    assert_eq!(log.head().await.unwrap(), 21);
}

/// What the database refuses fails alone, though its batch was refused with it.
#[tokio::test]
async fn a_command_that_the_database_refuses_fails_alone() {
    let log = open(&servers().database().await.database_url).await;
    let mut poison = to_stream(Uuid::now_v7(), 0, 1);
    // No text of PostgreSQL may hold this.
    poison.events[0].event_type = "Email\0Claimed";
    let mates = (0..20).map(|_| log.append(append(vec![to_stream(Uuid::now_v7(), 0, 1)])));
    let mates = futures::future::join_all(mates);
    let (refused, mates) = tokio::join!(log.append(append(vec![poison])), mates);
    assert!(matches!(refused, Err(AppendError::Fault(_))), "{refused:?}");
    assert!(mates.iter().all(Result::is_ok), "{mates:?}");
    assert_eq!(log.head().await.unwrap(), 20);
}

/// What comes from elsewhere has to be JSON.
#[tokio::test]
async fn what_is_not_json_is_not_stored() {
    let log = open(&servers().database().await.database_url).await;
    let mut bad = to_stream(Uuid::now_v7(), 0, 1);
    bad.events[0].payload = "this is not JSON".to_owned();
    let refused = log.append(append(vec![bad])).await;
    assert!(matches!(refused, Err(AppendError::Fault(_))), "{refused:?}");
    assert_eq!(log.head().await.unwrap(), 0);
}

/// Law 4: the record is in the transaction of the events, and one of two equal keys wins.
#[tokio::test]
async fn a_key_is_used_once() {
    let log = open(&servers().database().await.database_url).await;
    let tries = (0..10).map(|_| log.append(keyed("k", vec![to_stream(Uuid::now_v7(), 0, 1)])));
    let outcomes = futures::future::join_all(tries).await;
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_ok()).count(),
        1,
        "{outcomes:?}"
    );
    let used = |outcome: &&Result<_, _>| matches!(outcome, Err(AppendError::KeyUsed));
    assert_eq!(outcomes.iter().filter(used).count(), 9);
    assert_eq!(log.head().await.unwrap(), 1);
    let record = log.answer("tests", "k").await.unwrap().unwrap();
    assert_eq!(record.marks[0].position, 1);
    let pruned = log
        .prune_answers(Utc::now() + chrono::TimeDelta::hours(1))
        .await
        .unwrap();
    assert_eq!(pruned, 1);
}

/// Law 3: back-ends are ended in the middle of commits; what was acknowledged is there, what was
/// refused is not, and positions have no hole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_break_lose_nothing_and_double_nothing() {
    let url = servers().database().await.database_url;
    let log = open(&url).await;
    let killing = CancellationToken::new();
    let killer = tokio::spawn({
        let (url, killing) = (url.clone(), killing.clone());
        async move {
            let mut admin = PgConnection::connect(&url).await.unwrap();
            let mut killed = 0;
            while !killing.is_cancelled() {
                let rows = sqlx::query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE datname = current_database() AND pid <> pg_backend_pid() \
                     AND state <> 'idle'",
                );
                killed += rows.fetch_all(&mut admin).await.unwrap().len();
                tokio::time::sleep(Duration::from_millis(7)).await;
            }
            killed
        }
    });
    let writers = (0..16).map(|_| {
        let log = log.clone();
        async move {
            let (mut kept, mut refused) = (Vec::new(), Vec::new());
            for _ in 0..60 {
                let id = Uuid::now_v7();
                match log.append(append(vec![to_stream(id, 0, 1)])).await {
                    Ok(_) => kept.push(id),
                    Err(AppendError::Away(_)) => refused.push(id),
                    Err(error) => panic!("{error}"),
                }
            }
            (kept, refused)
        }
    });
    let outcomes = futures::future::join_all(writers).await;
    killing.cancel();
    assert!(killer.await.unwrap() > 0, "nothing was killed");
    let pool = database::pool(&url, "log", 2).unwrap();
    let all = read::after(&pool, 0, 10_000).await.unwrap();
    assert!(
        all.iter()
            .map(|event| event.position)
            .eq(1..=all.len() as i64)
    );
    let stored: std::collections::HashSet<Uuid> = all.iter().map(|one| one.aggregate_id).collect();
    assert_eq!(stored.len(), all.len(), "an event was stored twice");
    for (kept, refused) in outcomes {
        assert!(
            kept.iter().all(|id| stored.contains(id)),
            "an acknowledged command is lost"
        );
        assert!(
            !refused.iter().any(|id| stored.contains(id)),
            "a refused command is stored"
        );
    }
}

/// The database itself refuses a second event of one sequence, and a position twice.
#[tokio::test]
async fn the_database_refuses_what_an_append_never_does() {
    let log = open(&servers().database().await.database_url).await;
    log.append(append(vec![to_stream(Uuid::now_v7(), 0, 1)]))
        .await
        .unwrap();
    for (column, value) in [("position", "position + 1"), ("sequence", "sequence + 1")] {
        let others = "aggregate_type, aggregate_id, event_type, event_version, payload, metadata, \
             event_id, recorded_at, occurred_at, partition, leaf_hash";
        let kept = if column == "position" {
            "sequence"
        } else {
            "position"
        };
        let sql = format!(
            "INSERT INTO events ({column}, {kept}, {others}) SELECT {value}, {kept}, {others} FROM events"
        );
        let refused = log.pool().execute(sql.as_str()).await.unwrap_err();
        assert!(refused.as_database_error().unwrap().is_unique_violation());
    }
}

#[tokio::test]
async fn the_leaf_hash_is_of_the_stored_bytes() {
    let log = open(&servers().database().await.database_url).await;
    log.append(append(vec![to_stream(Uuid::now_v7(), 0, 3)]))
        .await
        .unwrap();
    let events = read::after(log.pool(), 0, 10).await.unwrap();
    let rows = sqlx::query("SELECT leaf_hash FROM events ORDER BY position");
    let rows = rows.fetch_all(log.pool()).await.unwrap();
    for (event, row) in events.iter().zip(rows) {
        assert_eq!(
            leaf_hash(event).to_vec(),
            row.get::<Vec<u8>, _>("leaf_hash")
        );
    }
}

#[tokio::test]
async fn a_stock_repository_reads_the_log() {
    let log = open(&servers().database().await.database_url).await;
    let id = Uuid::now_v7();
    log.append(append(vec![to_stream(id, 0, 2)])).await.unwrap();
    let stock = stock::reader(log.pool().clone());
    let events = stock
        .get_events::<Root<EmailClaim>>(&id.to_string())
        .await
        .unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(
        (events[1].sequence, events[1].event_type.as_str()),
        (2, "EmailClaimed")
    );
    assert_eq!(events[0].aggregate_type, EmailClaim::TYPE);
    let payload: Event = serde_json::from_value(events[0].payload.clone()).unwrap();
    assert_eq!(payload, Event::EmailClaimed { account_id: id });
}

/// Another process's write is caught by the expected version, and the cached state repaired.
#[tokio::test]
async fn a_cached_state_follows_what_others_write() {
    let url = servers().database().await.database_url;
    let (one, other) = (open(&url).await, open(&url).await);
    let id = Uuid::now_v7();
    let (stream, kind) = (
        StreamId::of::<EmailClaim>(id),
        StreamKind::of::<EmailClaim>(),
    );
    for version in 0..3 {
        other
            .append(append(vec![to_stream(id, version, 1)]))
            .await
            .unwrap();
        let (loaded, _) = one.load(stream, kind).await.unwrap();
        assert_eq!(loaded.version, version + 1);
    }
}

/// A waiting reader is woken by the append, not by its poll.
#[tokio::test]
async fn an_append_wakes_those_who_wait() {
    let log = open(&servers().database().await.database_url).await;
    let mut wake = event_store::wake::Wake::new(log.pool().clone(), event_store::wake::LOG);
    wake.wait().await;
    let begun = std::time::Instant::now();
    let append = log.append(append(vec![to_stream(Uuid::now_v7(), 0, 1)]));
    let (appended, _said) = tokio::join!(append, wake.wait());
    appended.unwrap();
    assert!(begun.elapsed() < event_store::wake::POLL);
    wait_for("the event", Duration::from_secs(5), || async {
        (log.head().await.unwrap() == 1).then_some(())
    })
    .await;
}
