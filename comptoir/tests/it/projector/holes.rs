//! Law 7: messages that never come are noticed, read from the log, counted and told.

use std::collections::{BTreeMap, BTreeSet};

use comptoir::contexts::Contexts;
use domain::actor::Role::Hotelier;
use event_store::Position;
use sqlx::Executor;

use super::topics::OfTopics;
use super::{LIMIT, Running, filled, is_what_the_log_gives, stored};
use crate::runtime::{caught_up, emptied, history, project, tables};
use crate::support::{Client, System, wait_for};

/// The messages of `left_out` never come; the tables are the same.
async fn is_filled(system: &System, left_out: &BTreeSet<Position>, holes: i64) {
    let live = tables(&system.read).await;
    let events = stored(system).await;
    emptied(&system.read).await;
    let came = |event: &event_store::RecordedEvent| !left_out.contains(&event.position);
    let kafka = OfTopics::by_hand(system, &events, came).await;
    project(system, kafka.source()).await;
    assert_eq!(tables(&system.read).await, live);
    let events = i64::try_from(left_out.len()).unwrap();
    assert_eq!(filled(system).await, (holes, events));
}

/// The positions of each topic partition, in order.
fn partitions(events: &[event_store::RecordedEvent]) -> BTreeMap<(String, i32), Vec<Position>> {
    let mut partitions = BTreeMap::<_, Vec<_>>::new();
    for event in events {
        let place = (event.context().to_owned(), event.partition);
        partitions.entry(place).or_default().push(event.position);
    }
    partitions
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_message_is_filled_from_the_log() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    system.stop.cancel();
    let events = stored(&system).await;
    // The second and third of a partition, which the fourth tells of.
    let all = partitions(&events);
    let long = all.values().find(|positions| positions.len() > 3).unwrap();
    is_filled(&system, &BTreeSet::from([long[1], long[2]]), 1).await;
    let hole: (Position, Position, String) =
        sqlx::query_as("SELECT after_position, up_to_position, why FROM holes")
            .fetch_one(&system.read)
            .await
            .unwrap();
    let why = format!("the message at {} follows one that never came", long[3]);
    assert_eq!(hole, (long[0], long[2], why));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_tail_is_filled_from_the_log() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    system.stop.cancel();
    // The last message of each partition, so that no message follows; and one whole partition.
    let all = partitions(&stored(&system).await);
    let mut lost: BTreeSet<Position> = all.values().filter_map(|one| one.last().copied()).collect();
    lost.extend(all.values().next().unwrap());
    is_filled(&system, &lost, i64::try_from(all.len()).unwrap()).await;
}

/// Books until each partition of the topic has something new.
async fn booked_in_each_partition(system: &System, hotelier: &Client) {
    let last = "SELECT coalesce(max(position), 0) FROM events";
    let last: i64 = sqlx::query_scalar(last)
        .fetch_one(system.log.pool())
        .await
        .unwrap();
    let count = "SELECT count(DISTINCT partition) FROM events \
                 WHERE position > $1 AND aggregate_type LIKE 'hotels.%'";
    let new = || sqlx::query_scalar::<_, i64>(count).bind(last);
    while new().fetch_one(system.log.pool()).await.unwrap() < 3 {
        let hotel = hotelier.hotel(4).await;
        hotelier.book(hotel, 3, 5).await.expect(201);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_retention_took_is_filled_from_the_log() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let hotelier = system.client(&[Hotelier]);
    let topics = OfTopics::of(&system.kafka).await;
    let before = stored(&system).await.len();
    // This projector has read nothing, and will not find the first messages.
    emptied(&system.read).await;
    topics.empty("hotels").await;
    let projector = Running::start(&system, system.kafka.source());
    caught_up(&system.log, &system.read).await;
    booked_in_each_partition(&system, &hotelier).await;
    caught_up(&system.log, &system.read).await;
    projector.stop().await;
    let events = filled(&system).await.1;
    assert!(
        events > 0 && events <= i64::try_from(before).unwrap(),
        "{events}"
    );
    system.stop.cancel();
    is_what_the_log_gives(&system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_deleted_is_made_anew_and_nothing_is_lost() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let hotelier = system.client(&[Hotelier]);
    let topics = OfTopics::of(&system.kafka).await;
    for _ in 0..2 {
        topics.delete("hotels").await;
        booked_in_each_partition(&system, &hotelier).await;
        caught_up(&system.log, &system.read).await;
    }
    // It comes by Kafka again: offsets go with the new topic, from 0.
    booked_in_each_partition(&system, &hotelier).await;
    wait_for("the new topic's offsets", LIMIT, || async {
        let ends = topics.ends("hotels").await;
        assert_eq!(ends.len(), 3, "as many partitions as the log says");
        let offsets = "SELECT max(next_offset) FROM watermarks \
             WHERE context = 'hotels' GROUP BY partition ORDER BY partition";
        let offsets: Vec<Option<i64>> = sqlx::query_scalar(offsets)
            .fetch_all(&system.read)
            .await
            .unwrap();
        let ends: Vec<Option<i64>> = ends.iter().map(|(_, end)| Some(*end)).collect();
        (offsets == ends).then_some(())
    })
    .await;
    let filled_so_far = filled(&system).await;
    booked_in_each_partition(&system, &hotelier).await;
    caught_up(&system.log, &system.read).await;
    assert_eq!(filled(&system).await, filled_so_far, "it came by Kafka");
    assert!(!system.stop.is_cancelled(), "no task died of it");
    system.stop.cancel();
    is_what_the_log_gives(&system).await;
}

/// A hole that the log can't fill is no hole: it is another log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hole_that_the_log_does_not_know_stops_the_projector() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    system.stop.cancel();
    let events = stored(&system).await;
    let all = partitions(&events);
    let long = all.values().find(|positions| positions.len() > 3).unwrap();
    let lost = long[1];
    let kafka = OfTopics::by_hand(&system, &events, |event| event.position != lost).await;
    emptied(&system.read).await;
    let delete = format!("DELETE FROM events WHERE position = {lost}");
    system.log.pool().execute(delete.as_str()).await.unwrap();
    let running = Running::start(&system, kafka.source());
    let ended = tokio::time::timeout(LIMIT, running.task).await.unwrap();
    let error = ended.unwrap().unwrap_err();
    let missing = matches!(&error, projections::runtime::Error::Missing { position, .. } if *position == lost);
    assert!(missing, "{error}");
}
