//! The projector runtime: effectively once, one truth, no silent hole.

use std::time::Duration;

use comptoir::contexts::Contexts;
use comptoir::settings::{Kafka, Topics};
use domain::actor::Role::Hotelier;
use event_store::seen::Error::Behind;
use event_store::{Log, message, read};
use projections::hotels::nights::{Nights, Row as NightRow};
use projections::runtime::{self, Error, Source, fold_events};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::FutureProducer;
use sqlx::{Executor, PgPool};
use tokio_util::sync::CancellationToken;

use crate::projector::{Running, waiting};
use crate::support::{Client, System, servers, shared, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

/// Every row of every table, and how far each projection is, as text in order.
pub async fn tables(read: &PgPool) -> Vec<(&'static str, Vec<String>)> {
    let mut all = Vec::new();
    for projection in projections::all() {
        let name = projection.name;
        let sql = format!("SELECT to_jsonb(row)::text FROM {name} AS row ORDER BY 1");
        all.push((
            name,
            sqlx::query_scalar(&sql).fetch_all(read).await.unwrap(),
        ));
    }
    all
}

/// Some hotels with bookings, cancellations and changes; ends when all of it is visible.
pub async fn history(system: &System) {
    let hotelier = system.client(&[Hotelier]);
    for _ in 0..3 {
        let hotel = hotelier.hotel(4).await;
        let kept = hotelier.book(hotel, 3, 7).await.expect(201);
        let moved = hotelier.book(hotel, 4, 6).await.expect(201);
        let gone = hotelier.book(hotel, 5, 9).await.expect(201);
        let mut change = Client::booking_body(20, 23);
        for field in ["adults", "children"] {
            change.as_object_mut().unwrap().remove(field);
        }
        hotelier
            .put(&format!("/api/reservations/{}", moved.id()), change)
            .await
            .expect(200);
        hotelier
            .order(&format!("/api/reservations/{}/cancel", gone.id()))
            .await
            .expect(200);
        hotelier.get_after(&kept, "/api/hotels").await.expect(200);
    }
    let last = hotelier
        .post("/api/hotels", Client::hotel_body(1))
        .await
        .expect(201);
    hotelier.get_after(&last, "/api/hotels").await.expect(200);
    caught_up(&system.log, &system.read).await;
}

pub async fn caught_up(log: &Log, read: &PgPool) {
    wait_for("the read side", LIMIT, || async {
        let behind = read_api::lag::events_behind(log.pool(), read, &projections::all())
            .await
            .unwrap();
        (behind == 0).then_some(())
    })
    .await;
}

pub async fn emptied(read: &PgPool) {
    for projection in projections::all() {
        let sql = format!("TRUNCATE {}", projection.name);
        read.execute(sql.as_str()).await.unwrap();
    }
    let back = "UPDATE watermarks SET position = 0, event_id = NULL, next_offset = NULL";
    read.execute(back).await.unwrap();
    read.execute("TRUNCATE parked, holes").await.unwrap();
}

/// Projects all there is from `source`.
pub async fn project(system: &System, source: Source) {
    let stop = CancellationToken::new();
    let (log, read) = (system.log.clone(), system.read.clone());
    let run = runtime::run(log, read, projections::all(), source, stop.clone());
    let running = tokio::spawn(run);
    wait_for("watermarks", LIMIT, || async {
        let sql = "SELECT count(*) FROM watermarks";
        let count: i64 = sqlx::query_scalar(sql)
            .fetch_one(&system.read)
            .await
            .unwrap();
        (count > 0).then_some(())
    })
    .await;
    caught_up(&system.log, &system.read).await;
    stop.cancel();
    running.await.unwrap().unwrap();
}

/// Law 8: what was projected live, batch by batch, and what a fresh run gives from either source,
/// twice over, are the same rows; and nights are what the pure fold of the events gives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_and_fresh_tables_are_equal_from_both_sources() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    system.stop.cancel();
    let live = tables(&system.read).await;
    for hotels in projections::hotels::projections() {
        let rows = live.iter().find(|(name, _)| *name == hotels.name);
        assert!(rows.is_some_and(|(_, rows)| !rows.is_empty()), "{hotels:?}");
    }
    for source in [Source::Log, system.kafka.source()] {
        emptied(&system.read).await;
        project(&system, source.clone()).await;
        assert_eq!(tables(&system.read).await, live, "{source:?}");
        // Again, from where it stopped: nothing counts twice.
        project(&system, source.clone()).await;
        assert_eq!(tables(&system.read).await, live, "{source:?} again");
    }
    let events = read::after(system.log.pool(), 0, 10_000).await.unwrap();
    let folded: Vec<NightRow> = fold_events::<Nights>(&events).unwrap();
    let sql = "SELECT to_jsonb(nights)::text FROM nights ORDER BY inventory_id, night";
    let stored: Vec<String> = sqlx::query_scalar(sql)
        .fetch_all(&system.read)
        .await
        .unwrap();
    let stored: Vec<NightRow> = stored
        .iter()
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    assert_eq!(stored, folded);
}

/// Law 8: the order of streams among each other does not matter, nor where batches are cut.
#[tokio::test]
async fn nights_are_the_same_in_any_order_of_streams() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(4).await;
    let last = hotelier.book(hotel, 3, 7).await.expect(201);
    hotelier.get_after(&last, "/api/hotels").await.expect(200);
    let events = read::after(shared().log.pool(), 0, 100_000).await.unwrap();
    let mut by_stream = events.clone();
    by_stream.sort_by_key(|event| (event.aggregate_id, event.sequence));
    let folded = fold_events::<Nights>(&events).unwrap();
    assert_eq!(fold_events::<Nights>(&by_stream).unwrap(), folded);
}

/// Law 6: every message comes a second time, to a projector that has lost its offsets; each counts
/// once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_come_again_count_once() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    system.stop.cancel();
    let live = tables(&system.read).await;
    let sql = "SELECT next_offset FROM watermarks ORDER BY projection, partition";
    let offsets = || async {
        sqlx::query_scalar(sql)
            .fetch_all(&system.read)
            .await
            .unwrap()
    };
    let before: Vec<Option<i64>> = offsets().await;
    assert!(before.iter().any(Option::is_some));
    system
        .read
        .execute("UPDATE watermarks SET next_offset = NULL")
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let (log, read) = (system.log.clone(), system.read.clone());
    let source = system.kafka.source();
    let running = tokio::spawn(runtime::run(
        log,
        read,
        projections::all(),
        source,
        stop.clone(),
    ));
    wait_for("every message again", LIMIT, || async {
        (offsets().await == before).then_some(())
    })
    .await;
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(tables(&system.read).await, live);
}

/// Law 6: two projectors on the same partitions, each with all events of each under way at the same
/// moment: each event counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_projectors_at_once_count_every_event_once() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    system.stop.cancel();
    let live = tables(&system.read).await;
    for projection in projections::all() {
        let sql = format!("TRUNCATE {}", projection.name);
        system.read.execute(sql.as_str()).await.unwrap();
    }
    let back = "UPDATE watermarks SET position = 0, event_id = NULL, next_offset = NULL";
    system.read.execute(back).await.unwrap();
    let mut held = system.read.begin().await.unwrap();
    held.execute("SELECT FROM watermarks FOR UPDATE")
        .await
        .unwrap();
    // This one takes all events together, and so waits once.
    let one = Running::start(&system, Source::Log);
    waiting_at_least(&system, 1).await;
    let other = Running::start(&system, system.kafka.source());
    waiting_at_least(&system, 2).await;
    held.rollback().await.unwrap();
    caught_up(&system.log, &system.read).await;
    one.stop().await;
    other.stop().await;
    assert_eq!(tables(&system.read).await, live);
}

async fn waiting_at_least(system: &System, count: usize) {
    wait_for("batches that wait", LIMIT, || async {
        let waiting = waiting(&system.read).await;
        (waiting.len() >= count).then_some(())
    })
    .await;
}

pub async fn producer_and_topics(
    kafka: &Kafka,
) -> (FutureProducer, AdminClient<DefaultClientContext>) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.kafka_brokers.as_ref().unwrap());
    (config.create().unwrap(), config.create().unwrap())
}

/// A log that was restored from an older backup is refused by relay and projector.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_older_than_what_was_relayed_is_refused() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    system.stop.cancel();
    let back = "DELETE FROM events WHERE position > 5";
    system.log.pool().execute(back).await.unwrap();
    let pool = system.log.pool().clone();
    let topics = event_store::relay::run(
        pool,
        system.log.topics().clone(),
        system.kafka.relay().unwrap(),
        CancellationToken::new(),
    );
    let relay = tokio::time::timeout(LIMIT, topics)
        .await
        .expect("the relay goes on");
    assert!(
        matches!(
            relay,
            Err(event_store::relay::Error::Restored(Behind { head: 5, .. }))
        ),
        "{relay:?}"
    );
    let (log, read) = (system.log.clone(), system.read.clone());
    let run = runtime::run(
        log,
        read,
        projections::all(),
        Source::Log,
        CancellationToken::new(),
    );
    let projector = tokio::time::timeout(LIMIT, run)
        .await
        .expect("the projector goes on");
    assert!(
        matches!(projector, Err(Error::Restored(Behind { head: 5, .. }))),
        "{projector:?}"
    );
}

/// Another partition count is refused, by name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_with_another_partition_count_is_refused() {
    let servers = servers();
    let kafka = servers.own_topics();
    let (_, admin) = producer_and_topics(&kafka).await;
    let name = message::topic(&kafka.topic_prefix, "hotels", 1);
    let topic = NewTopic::new(&name, 2, TopicReplication::Fixed(1));
    admin
        .create_topics([&topic], &AdminOptions::new())
        .await
        .unwrap();
    let databases = servers.database().await;
    let pool = event_store::database::pool(&databases.database_url, "log", 2).unwrap();
    let Topics { partitions } = Topics { partitions: 3 };
    let topics = event_store::Topics::ensure(&pool, &domain::CONTEXTS, partitions)
        .await
        .unwrap();
    let refused = event_store::relay::topics::ensure(&kafka.relay().unwrap(), &topics).await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("has 2 partitions and the log says 3"),
        "{refused}"
    );
}
