//! The relay, killed again and again under load: what Kafka then has.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use event_store::{Position, database, message, read};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::support::{Deployment, servers, wait_for};

const LIMIT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(100);
const PARTITIONS: i32 = 6;
/// Events of one append under load.
const AT_ONCE: i64 = 500;

/// Appends events of two contexts, over all partitions.
async fn grow(pool: &PgPool, count: i64) {
    sqlx::query(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, \
             payload, metadata, position, event_id, recorded_at, occurred_at, partition, leaf_hash) \
         SELECT CASE WHEN n % 5 = 0 THEN 'identity.account' ELSE 'hotels.hotel' END, \
             gen_random_uuid(), 1, 'Counted', '1', '\"' || repeat('x', 300) || '\"', '{}', \
             head.position + n, gen_random_uuid(), now(), now(), n * 7 % $2, '' \
         FROM head, generate_series(1, $1) AS n",
    )
    .bind(count)
    .bind(PARTITIONS)
    .execute(pool)
    .await
    .unwrap();
    sqlx::query("SELECT pg_notify('comptoir_log', '')")
        .execute(pool)
        .await
        .unwrap();
}

async fn position(pool: &PgPool) -> Position {
    let sql = "SELECT position FROM relay";
    sqlx::query_scalar(sql).fetch_one(pool).await.unwrap()
}

/// The messages of a topic, partition by partition in their order: position, position before it,
/// and id.
fn consumed(topic: &str) -> BTreeMap<i32, Vec<(Position, Position, String)>> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers().kafka.brokers())
        .set("group.id", topic)
        .create()
        .unwrap();
    let mut places = TopicPartitionList::new();
    let mut ends = HashMap::new();
    for partition in 0..PARTITIONS {
        let (_, end) = consumer.fetch_watermarks(topic, partition, LIMIT).unwrap();
        ends.insert(partition, end);
        places
            .add_partition_offset(topic, partition, Offset::Beginning)
            .unwrap();
    }
    consumer.assign(&places).unwrap();
    let mut all: BTreeMap<i32, Vec<_>> = (0..PARTITIONS).map(|one| (one, vec![])).collect();
    ends.retain(|_, end| *end > 0);
    while !ends.is_empty() {
        let Some(message) = consumer.poll(POLL) else {
            continue;
        };
        let message = message.unwrap();
        let relayed = message::read(&message).unwrap();
        assert_eq!(message.partition(), relayed.event.partition);
        let id = relayed.event.event_id.to_string();
        let seen = (relayed.event.position, relayed.previous, id);
        all.get_mut(&message.partition()).unwrap().push(seen);
        if message.offset() + 1 == ends[&message.partition()] {
            ends.remove(&message.partition());
        }
    }
    all
}

/// Law 5: every position of a partition is there, in order; what comes again is old; and each
/// message names the one before it, which a duplicate does too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_killed_under_load_repeats_and_never_skips() {
    let folder = tempfile::tempdir().unwrap();
    let databases = servers().database().await;
    let pool = database::pool(&databases.database_url, "log", 4).unwrap();
    let deployment = Deployment::new(databases, folder.path().join("log"));
    grow(&pool, 20_000).await;
    let stop = CancellationToken::new();
    let load = tokio::spawn({
        let (pool, stop) = (pool.clone(), stop.clone());
        async move {
            while !stop.is_cancelled() {
                grow(&pool, AT_ONCE).await;
            }
        }
    });
    let mut reached = 0;
    for _ in 0..6 {
        let mut relay = deployment.start("relay").await;
        wait_for("the relay to get on", LIMIT, || async {
            (position(&pool).await > reached).then_some(())
        })
        .await;
        // It is in the middle of its work: what it sent last is not written down.
        relay.kill();
        reached = position(&pool).await;
    }
    stop.cancel();
    load.await.unwrap();
    let _relay = deployment.start("relay").await;
    let head: Position = sqlx::query_scalar("SELECT position FROM head")
        .fetch_one(&pool)
        .await
        .unwrap();
    wait_for("all of the log", LIMIT, || async {
        (position(&pool).await == head).then_some(())
    })
    .await;

    let events = read::after(&pool, 0, head).await.unwrap();
    let mut duplicates = 0;
    for context in ["hotels", "identity"] {
        let topic = message::topic(&deployment.topic_prefix, context, 1);
        let all = tokio::task::spawn_blocking(move || consumed(&topic))
            .await
            .unwrap();
        for (partition, messages) in all {
            let of_it = events
                .iter()
                .filter(|event| event.context() == context && event.partition == partition);
            let mut before = 0;
            let mut expected = BTreeMap::new();
            for event in of_it {
                expected.insert(event.position, (before, event.event_id.to_string()));
                before = event.position;
            }
            let mut last = 0;
            for (position, previous, id) in messages {
                assert_eq!(
                    expected[&position],
                    (previous, id),
                    "{context}[{partition}]"
                );
                if position <= last {
                    duplicates += 1;
                    continue;
                }
                assert_eq!(previous, last, "{context}[{partition}] misses a message");
                last = position;
            }
            assert_eq!(last, before, "{context}[{partition}] lacks its end");
        }
    }
    // Otherwise it was never killed with anything under way, and this shows nothing.
    assert!(
        duplicates > 0,
        "no kill came between sending and writing down"
    );
}
