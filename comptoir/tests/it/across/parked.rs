//! A stream that is parked while its rows go on with the others.

use domain::actor::Role::Hotelier;
use projections::runtime::parked;
use sqlx::Executor;
use uuid::Uuid;

use super::busy_nights::{accept, busy_nights, refuse};
use super::rebuilt::{FULL, SAMPLE, drifted, rebuilt, some_bookings};
use super::{
    all_visible, hotel_in, inventory, is_the_fold_of_the_log, is_the_fold_of_the_log_without, start,
};
use crate::support::{Client, System};

async fn parked_streams(system: &System) -> Vec<(Uuid, i64)> {
    let parked = parked::list(&system.read, Some("busy_nights")).await;
    let parked = parked.unwrap().into_iter();
    parked.map(|one| (one.aggregate_id, one.events)).collect()
}

/// The rows of a parked stream lack its events and no others, in the live table as in a rebuilt one;
/// they are compared all the same; a retry adds what they lack.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_a_parked_stream_go_on_without_it() {
    let system = start().await;
    let hotelier = system.client(&[Hotelier]);
    let hotel = hotel_in(&hotelier, 0).await;
    let stream = inventory(hotel);
    hotelier.book(hotel, 4, 6).await.expect(201);
    all_visible(&system).await;
    refuse(stream, 3);
    hotelier.book(hotel, 4, 6).await.expect(201);
    hotelier.book(hotel, 9, 10).await.expect(201);
    some_bookings(&hotelier).await;
    // The first two events of the stream are in the table, later ones are not.
    let without = [(stream, 3)];
    is_the_fold_of_the_log_without(&system, &without).await;
    assert_eq!(parked_streams(&system).await, [(stream, 2)]);
    let agree = async || {
        for extent in [FULL, SAMPLE] {
            assert_eq!(drifted(&system, extent).await, []);
        }
    };
    agree().await;

    // The projection stands it again, so a fresh fold has more than the live table should.
    accept(stream);
    agree().await;
    let edit = |add: i64| {
        let night = Client::day(4);
        format!("UPDATE busy_nights SET revenue = revenue + {add} WHERE night = '{night}'")
    };
    system.read.execute(edit(1).as_str()).await.unwrap();
    for extent in [FULL, SAMPLE] {
        let found = drifted(&system, extent).await;
        let [difference] = &found[..] else {
            panic!("{extent:?}: {found:?}")
        };
        let revenue = |row: &Option<serde_json::Value>| row.as_ref().unwrap()["revenue"].as_i64();
        let (live, rebuilt) = (revenue(&difference.live), revenue(&difference.rebuilt));
        assert_eq!(live, rebuilt.map(|rebuilt| rebuilt + 1));
        // One of the parked stream is in it, and one of each other hotel.
        assert_eq!(difference.events.len(), 4);
    }
    system.read.execute(edit(-1).as_str()).await.unwrap();

    let at = (system.log.pool(), &system.read, system.log.keyring());
    let retried = parked::retry(at, &[busy_nights()], None).await.unwrap();
    assert_eq!((retried.len(), retried[0].applied), (1, 2));
    is_the_fold_of_the_log(&system).await;
    agree().await;
}

/// A rebuild folds what the live table has parked, where it can by now; else it parks it too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_parks_what_it_must_and_no_more() {
    let system = start().await;
    let hotelier = system.client(&[Hotelier]);
    let hotel = hotel_in(&hotelier, 1).await;
    let stream = inventory(hotel);
    refuse(stream, 2);
    hotelier.book(hotel, 4, 6).await.expect(201);
    some_bookings(&hotelier).await;
    all_visible(&system).await;
    for _ in 0..2 {
        let outcome = rebuilt(&system).await;
        assert_eq!((outcome.differences, outcome.swapped), (vec![], true));
        is_the_fold_of_the_log_without(&system, &[(stream, 2)]).await;
        assert_eq!(parked_streams(&system).await, [(stream, 1)]);
    }
    accept(stream);
    let outcome = rebuilt(&system).await;
    assert_eq!((outcome.differences, outcome.swapped), (vec![], true));
    assert_eq!(parked_streams(&system).await, []);
    is_the_fold_of_the_log(&system).await;
}
