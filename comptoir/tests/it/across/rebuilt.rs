//! Rebuilding a table whose rows go across streams.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use domain::actor::Role::Hotelier;
use event_store::personal::Keyring;
use projections::rebuild::{self, Databases, Difference, Extent, Options, Outcome};
use sqlx::{Connection, Executor, PgConnection};

use super::busy_nights::busy_nights;
use super::processes::{Spawned, told};
use super::{LIMIT, all_visible, hotels, is_the_fold_of_the_log, start};
use crate::rebuild::{databases, unwatched};
use crate::support::{Client, System, wait_for};

pub const KEPT: Options = Options {
    workers: 2,
    accept: false,
};
pub const FULL: Extent = Extent::Full { workers: 2 };
/// Every stream is drawn sooner or later.
pub const SAMPLE: Extent = Extent::Sample { streams: 1_000 };

pub async fn rebuilt(system: &System) -> Outcome {
    let done = rebuild::rebuild(&databases(system), &busy_nights(), KEPT, unwatched()).await;
    done.unwrap()
}

pub async fn drifted(system: &System, extent: Extent) -> Vec<Difference> {
    let done = rebuild::drift(&databases(system), &busy_nights(), extent, unwatched()).await;
    done.unwrap()
}

/// Bookings in a hotel of each partition, each of the same nights.
pub async fn some_bookings(hotelier: &Client) {
    for hotel in hotels(hotelier).await {
        for from in [4, 5] {
            hotelier.book(hotel, from, from + 2).await.expect(201);
        }
    }
}

/// To write a row takes longer than until the next booking, so no table ever has all of the log.
const SLOW: &str = "\
    CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
        PERFORM pg_sleep(0.02); RETURN true; END $$; \
    ALTER TABLE busy_nights ADD CHECK (slow())";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_rebuilt_and_rolled_back_under_load() {
    let system = start().await;
    system.read.execute(SLOW).await.unwrap();
    let hotelier = system.client(&[Hotelier]);
    let (done, booked) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let mut customers = Vec::new();
    for hotel in hotels(&hotelier).await {
        let (client, done, booked) = (hotelier.clone(), Arc::clone(&done), Arc::clone(&booked));
        customers.push(tokio::spawn(async move {
            while done.load(Ordering::Relaxed) == 0 {
                let from = 4 + u64::from(booked.fetch_add(1, Ordering::Relaxed)) % 10;
                client.book(hotel, from, from + 2).await.expect(201);
            }
        }));
    }
    for round in 0..3 {
        let before = booked.load(Ordering::Relaxed);
        let outcome = rebuilt(&system).await;
        assert_eq!(
            (outcome.differences, outcome.swapped),
            (vec![], true),
            "{round}"
        );
        wait_for("customers", LIMIT, || async {
            (booked.load(Ordering::Relaxed) > before + 20).then_some(())
        })
        .await;
    }
    rebuild::rollback(&databases(&system), &busy_nights(), unwatched())
        .await
        .unwrap();
    done.store(1, Ordering::Relaxed);
    for customer in customers {
        customer.await.unwrap();
    }
    is_the_fold_of_the_log(&system).await;
    assert_eq!(drifted(&system, FULL).await, []);
}

/// A row that somebody edited is shown, with the events of all streams that touch it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_was_edited_by_hand_is_shown() {
    let system = start().await;
    some_bookings(&system.client(&[Hotelier])).await;
    all_visible(&system).await;
    let edit = format!(
        "UPDATE busy_nights SET reserved = reserved + 7 WHERE night = '{}'",
        Client::day(5)
    );
    let edited = system.read.execute(edit.as_str()).await.unwrap();
    assert_eq!(edited.rows_affected(), 1);
    let outcome = rebuilt(&system).await;
    assert!(!outcome.swapped);
    let [difference] = &outcome.differences[..] else {
        panic!("{:?}", outcome.differences)
    };
    assert_eq!(difference.live.as_ref().unwrap()["reserved"], 13);
    assert_eq!(difference.rebuilt.as_ref().unwrap()["reserved"], 6);
    // Two bookings in each of three hotels.
    let mut streams: Vec<_> = difference.events.iter().map(|one| one.stream).collect();
    assert_eq!(streams.len(), 6);
    assert!(difference.events.is_sorted_by_key(|one| one.position));
    streams.sort();
    streams.dedup();
    assert_eq!(streams.len(), 3);
    for extent in [FULL, SAMPLE] {
        assert_eq!(drifted(&system, extent).await, outcome.differences);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "another test runs it as a process of its own"]
async fn a_rebuild() {
    let Some(told) = told() else {
        return;
    };
    let pool = |path: &str| event_store::database::pool(&told.database_url, path, 4).unwrap();
    let databases = Databases {
        log: pool("log"),
        read: pool("read"),
        keyring: Keyring::none(),
    };
    let rebuilt = rebuild::rebuild(&databases, &busy_nights(), KEPT, unwatched()).await;
    rebuilt.unwrap();
}

/// A shadow has the checks of the live table; this one holds up whoever writes a row while somebody
/// has lock 77.
const CHECK: &str = "\
    CREATE FUNCTION held() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
        PERFORM pg_advisory_xact_lock_shared(77); RETURN true; END $$; \
    ALTER TABLE busy_nights ADD CHECK (held())";

/// Killed with `-9` while its shadow is filled, or before it is compared, a rebuild leaves the live
/// table as it was, and the next one begins anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_rebuild_starts_clean_the_next_time() {
    let system = start().await;
    some_bookings(&system.client(&[Hotelier])).await;
    all_visible(&system).await;
    system.read.execute(CHECK).await.unwrap();
    let holds = [
        "SELECT pg_advisory_lock(77)",
        "BEGIN; SELECT FROM watermarks WHERE projection = 'busy_nights' AND slot = 'live' FOR UPDATE",
    ];
    for hold in holds {
        let mut holder = PgConnection::connect_with(&system.read.connect_options())
            .await
            .unwrap();
        holder.execute(hold).await.unwrap();
        let killed = Spawned::start(&system, "across::rebuilt::a_rebuild");
        wait_for("a rebuild that is held up", LIMIT, || async {
            let sql = "SELECT to_regclass('read_shadow.busy_nights') IS NOT NULL AND EXISTS ( \
                 SELECT FROM pg_stat_activity WHERE datname = current_database() \
                     AND wait_event_type = 'Lock')";
            let held: bool = sqlx::query_scalar(sql)
                .fetch_one(&system.read)
                .await
                .unwrap();
            held.then_some(())
        })
        .await;
        drop(killed);
        holder.close().await.unwrap();
        is_the_fold_of_the_log(&system).await;
        // The lock of the one that was killed goes when the server finds its session gone.
        let outcome = wait_for("the next rebuild", LIMIT, || async {
            let databases = databases(&system);
            let next = rebuild::rebuild(&databases, &busy_nights(), KEPT, unwatched()).await;
            match next {
                Err(rebuild::Error::BeingRebuilt(_)) => None,
                done => Some(done.unwrap()),
            }
        })
        .await;
        assert_eq!((outcome.differences, outcome.swapped), (vec![], true));
        is_the_fold_of_the_log(&system).await;
    }
}
