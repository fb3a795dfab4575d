//! Transactions of different partitions that touch one row at the same moment.

use comptoir::contexts::Contexts;
use domain::actor::Role::Hotelier;
use event_store::partition::partition_of;
use projections::runtime::{Source, parked};
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

use super::busy_nights::{accept, busy_nights, refuse};
use super::{
    LIMIT, all_visible, hotel_in, inventory, is_the_fold_of_the_log,
    is_the_fold_of_the_log_without, make_table, start,
};
use crate::projector::Running;
use crate::support::{Client, System, wait_for};

/// Holds up whoever writes a row while somebody has lock 77.
const HOLD: &str = "\
    CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        PERFORM pg_advisory_xact_lock_shared(77); RETURN NEW; END $$; \
    CREATE TRIGGER holding BEFORE INSERT OR UPDATE ON busy_nights \
        FOR EACH ROW EXECUTE FUNCTION hold()";

/// A reservation of another night, whose own stream is not in this partition.
async fn reservation_outside(client: &Client, hotel: Uuid, partition: u32) -> Uuid {
    loop {
        let booked = client.book(hotel, 20, 21).await.expect(201);
        if partition_of(booked.id(), 3) != partition {
            return booked.id();
        }
    }
}

async fn sessions_at_locks(system: &System, count: i64) {
    wait_for("sessions that wait for a lock", LIMIT, || async {
        let sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        let waiting: i64 = sqlx::query_scalar(sql)
            .fetch_one(&system.read)
            .await
            .unwrap();
        (waiting >= count).then_some(())
    })
    .await;
}

/// A batch of one partition has two rows under way, of which one is not there yet, when an operator
/// tries a stream of another partition again that touches the same two.
async fn take_turns(is_careful: bool) {
    let system = start().await;
    let hotelier = system.client(&[Hotelier]);
    let (one, other) = (hotel_in(&hotelier, 0).await, hotel_in(&hotelier, 1).await);
    refuse(inventory(one), 2);
    hotelier.book(other, 5, 6).await.expect(201);
    hotelier.book(one, 5, 7).await.expect(201);
    let moved = reservation_outside(&hotelier, other, 0).await;
    is_the_fold_of_the_log_without(&system, &[(inventory(one), 2)]).await;
    if is_careful {
        let by_hand = "INSERT INTO parked SELECT 'nights', version, slot, context, 1, 0, \
             event_id, aggregate_type, $1, 0, event_type, error, attempts, parked_at FROM parked";
        let by_hand = sqlx::query(by_hand).bind(inventory(other));
        by_hand.execute(&system.read).await.unwrap();
    }

    system.read.execute(HOLD).await.unwrap();
    let mut holder = PgConnection::connect_with(&system.read.connect_options())
        .await
        .unwrap();
    holder.execute("SELECT pg_advisory_lock(77)").await.unwrap();
    let mut change = Client::booking_body(5, 7);
    for field in ["adults", "children"] {
        change.as_object_mut().unwrap().remove(field);
    }
    let path = format!("/api/reservations/{moved}");
    hotelier.put(&path, json!(change)).await.expect(200);
    sessions_at_locks(&system, 1).await;
    accept(inventory(one));
    let retried = tokio::spawn({
        let (log, read) = (system.log.clone(), system.read.clone());
        async move {
            let at = (log.pool(), &read, log.keyring());
            parked::retry(at, &[busy_nights()], None).await.unwrap()
        }
    });
    sessions_at_locks(&system, 2).await;
    holder.close().await.unwrap();
    let [retried] = &retried.await.unwrap()[..] else {
        panic!("one stream is parked")
    };
    assert_eq!((retried.applied, &retried.error), (1, &None));
    is_the_fold_of_the_log(&system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_and_a_retry_that_touch_one_row_take_turns() {
    take_turns(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_goes_the_careful_way_takes_turns_too() {
    take_turns(true).await;
}

/// Notes whether rows are written by the sessions of the fast way.
const NOTE: &str = "\
    CREATE TABLE noted (seqscan text NOT NULL); \
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
        INSERT INTO noted VALUES (current_setting('enable_seqscan')); RETURN NULL; END $$; \
    CREATE TRIGGER noting AFTER INSERT ON busy_nights EXECUTE FUNCTION note()";

/// Streams that begin in a batch touch rows that are there already: they are loaded, and the batch
/// goes the fast way. The table's first rows come from the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_begin_touch_rows_that_are_there() {
    let system = System::start(Contexts::all()).await;
    let hotelier = system.client(&[Hotelier]);
    let some_bookings = async || {
        for hotel in super::hotels(&hotelier).await {
            hotelier.book(hotel, 5, 7).await.expect(201);
        }
    };
    some_bookings().await;
    make_table(&system.read).await;
    let first = Running::of(&system, Source::Log, vec![busy_nights()]);
    all_visible(&system).await;
    first.stop().await;
    is_the_fold_of_the_log(&system).await;

    system.read.execute(NOTE).await.unwrap();
    some_bookings().await;
    let second = Running::of(&system, Source::Log, vec![busy_nights()]);
    is_the_fold_of_the_log(&system).await;
    second.stop().await;
    let noted: Vec<String> = sqlx::query_scalar("SELECT DISTINCT seqscan FROM noted")
        .fetch_all(&system.read)
        .await
        .unwrap();
    assert_eq!(noted, ["off"]);
}
