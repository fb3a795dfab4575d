//! The reader of the log: everything, once, in order, whatever happens to its connection.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use event_store::personal::Keyring;
use event_store::read::{self, Error, LogReader, Page};
use event_store::{Log, Position};
use futures::{StreamExt, TryStreamExt};
use sqlx::{Executor, PgPool};

use crate::log::open;
use crate::support::{servers, wait_for};

/// More than what sockets buffer, in some 80 pages.
const MANY: i64 = 30_000;
const LIMIT: Duration = Duration::from_secs(20);

async fn log_of(events: i64) -> Log {
    let log = open(&servers().database().await.database_url).await;
    grow(log.pool(), events, 600).await;
    log
}

/// Adds `count` events, each with a payload of so many bytes.
async fn grow(pool: &PgPool, count: i64, bytes: i32) {
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, \
             payload, metadata, position, event_id, recorded_at, occurred_at, partition, leaf_hash) \
         SELECT 'toys.counter', gen_random_uuid(), 1, 'Counted', '1', \
             '\"' || repeat('x', $2) || '\"', '{}', head.position + n, gen_random_uuid(), now(), \
             now(), 0, '' \
         FROM head, generate_series(1, $1) AS n",
    )
    .bind(count)
    .bind(bytes)
    .execute(pool)
    .await
    .unwrap();
}

fn positions(page: &Page) -> Vec<Position> {
    let events = page.events().map(|event| event.unwrap().position);
    events.collect()
}

/// Reads to the end of the log as it is now.
async fn to_the_end(reader: &mut LogReader) -> Vec<Position> {
    let mut all = Vec::new();
    while let Some(page) = reader.next().await.unwrap() {
        all.extend(positions(&page));
        assert_eq!(page.last(), reader.position());
    }
    all
}

/// Of which connections the pages come.
const READERS: &str = "FROM pg_stat_activity WHERE datname = current_database() \
     AND pid <> pg_backend_pid() AND query LIKE 'SELECT position, event_id, %LIMIT $2::bigint'";

async fn readers(pool: &PgPool) -> i64 {
    let count = format!("SELECT count(*) {READERS}");
    sqlx::query_scalar(&count).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn a_reader_goes_on_from_where_it_was_as_the_log_grows() {
    let log = log_of(0).await;
    let mut reader = LogReader::new(log.pool(), 0);
    assert!(reader.next().await.unwrap().is_none());
    grow(log.pool(), 1, 10).await;
    assert_eq!(to_the_end(&mut reader).await, [1]);
    // Exactly as many as are asked for at once, then more, then one that is longer than a page.
    grow(log.pool(), 4_000, 10).await;
    assert!(to_the_end(&mut reader).await.into_iter().eq(2..=4_001));
    grow(log.pool(), 9_000, 10).await;
    assert!(to_the_end(&mut reader).await.into_iter().eq(4_002..=13_001));
    grow(log.pool(), 1, 1_000_000).await;
    grow(log.pool(), 2, 10).await;
    assert!(
        to_the_end(&mut reader)
            .await
            .into_iter()
            .eq(13_002..=13_004)
    );
    assert!(reader.next().await.unwrap().is_none());

    let mut later = LogReader::new(log.pool(), 13_000);
    assert!(to_the_end(&mut later).await.into_iter().eq(13_001..=13_004));
    let mut beyond = LogReader::new(log.pool(), 20_000);
    assert!(beyond.next().await.unwrap().is_none());
}

#[tokio::test]
async fn what_a_reader_gives_is_what_is_stored() {
    let log = log_of(2_000).await;
    let mut reader = LogReader::new(log.pool(), 0);
    let mut events = Vec::new();
    while let Some(page) = reader.next().await.unwrap() {
        assert_eq!(page.len(), page.events().count());
        events.extend(page.to_owned_events().unwrap());
    }
    assert_eq!(events, read::after(log.pool(), 0, 3_000).await.unwrap());
}

#[tokio::test]
async fn a_hole_is_an_error_and_stays_one() {
    let log = log_of(10).await;
    let remove = "DELETE FROM events WHERE position IN (5, 6)";
    log.pool().execute(remove).await.unwrap();
    let mut reader = LogReader::new(log.pool(), 0);
    for _ in 0..2 {
        match reader.next().await {
            Err(error @ Error::Hole { after: 4, found: 7 }) => assert!(!error.is_away()),
            other => panic!("{:?}", other.map(|page| page.map(|page| positions(&page)))),
        }
    }
    // So is one at the very place where a reader begins.
    let mut reader = LogReader::new(log.pool(), 5);
    let hole = reader.next().await.map(|_| ()).unwrap_err();
    assert!(matches!(hole, Error::Hole { after: 5, found: 7 }), "{hole}");
}

#[tokio::test]
async fn a_reader_whose_connection_is_ended_goes_on_when_asked_again() {
    let log = log_of(MANY).await;
    let mut reader = LogReader::new(log.pool(), 0);
    let first = reader.next().await.unwrap().unwrap();
    let mut all = positions(&first);
    let end = format!("SELECT pg_terminate_backend(pid) {READERS}");
    let ended: Vec<bool> = sqlx::query_scalar(&end)
        .fetch_all(log.pool())
        .await
        .unwrap();
    assert_eq!(ended, [true]);
    let error = loop {
        match reader.next().await {
            Ok(page) => all.extend(positions(&page.expect("the end came before the fault"))),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Away(_)), "{error}");
    assert!(all.len() < MANY as usize);
    all.extend(to_the_end(&mut reader).await);
    assert!(all.into_iter().eq(1..=MANY));
}

/// A wait that is given up, as `select!` does, loses nothing and repeats nothing.
#[tokio::test]
async fn a_wait_that_is_given_up_loses_nothing() {
    let log = log_of(MANY).await;
    let mut reader = LogReader::new(log.pool(), 0);
    // A connection must be waited for: who gives up at once never has one.
    let mut all = positions(&reader.next().await.unwrap().unwrap());
    while all.len() < MANY as usize {
        tokio::select! {
            biased;
            page = reader.next() => all.extend(page.unwrap().iter().flat_map(positions)),
            () = tokio::task::yield_now() => {}
        }
    }
    assert!(all.into_iter().eq(1..=MANY));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_are_decoded_in_order_and_no_faster_than_they_are_taken() {
    let log = log_of(MANY).await;
    let decoded = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&decoded);
    let decode = move |page: &Page| {
        count.fetch_add(1, Ordering::Relaxed);
        positions(page)
    };
    let reader = LogReader::new(log.pool(), 0);
    let mut pages = Box::pin(reader.decoded(Keyring::none(), decode.clone()));
    let mut all = pages.next().await.unwrap().unwrap();
    // What is read ahead fills up, and then stands still.
    let ahead = wait_for("a full queue", LIMIT, || async {
        let before = decoded.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(200)).await;
        (before > 1 && decoded.load(Ordering::Relaxed) == before).then_some(before)
    })
    .await;
    assert!(ahead <= 10, "{ahead} pages were read ahead");
    while let Some(page) = pages.next().await {
        all.extend(page.unwrap());
    }
    assert!(all.into_iter().eq(1..=MANY));
    assert!(decoded.load(Ordering::Relaxed) > 40);

    // Neither who has read to the end nor who stops in the middle leaves a connection behind.
    let gone = || async { (readers(log.pool()).await == 0).then_some(()) };
    wait_for("the end of the first", LIMIT, gone).await;
    let reader = LogReader::new(log.pool(), 0);
    let mut pages = Box::pin(reader.decoded(Keyring::none(), decode));
    pages.next().await.unwrap().unwrap();
    assert_eq!(readers(log.pool()).await, 1);
    drop(pages);
    wait_for("the end of the second", LIMIT, gone).await;
}

#[tokio::test]
async fn a_fault_ends_what_is_decoded_after_what_came_before_it() {
    let log = log_of(3_000).await;
    let hole = "DELETE FROM events WHERE position = 2900";
    log.pool().execute(hole).await.unwrap();
    let reader = LogReader::new(log.pool(), 0);
    let mut pages = pin!(reader.decoded(Keyring::none(), Page::last));
    let mut last = 0;
    let error = loop {
        match pages.try_next().await {
            Ok(page) => last = page.expect("the end came before the hole"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Hole { after: 2_899, .. }), "{error}");
    assert!(last > 0 && pages.next().await.is_none());

    let reader = LogReader::new(log.pool(), 0);
    let panics = |_: &Page| -> u64 { panic!("on purpose") };
    let mut pages = pin!(reader.decoded(Keyring::none(), panics));
    let error = pages.next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("panicked"), "{error}");
}
