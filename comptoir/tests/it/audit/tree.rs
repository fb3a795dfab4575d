//! The tree is kept beside the log, by whoever is there, and handed to those who hold us to it.

use std::time::Duration;

use audit::verify::{Trusted, verify};
use event_store::tree::{self, Grower, Grown, Sink, checkpoints, publish, sign};
use proofs::{Checkpoint, Proof, check};
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use sqlx::Executor;
use tokio_util::sync::CancellationToken;

use super::{add, keys, log_of, signed};
use crate::log::open;
use crate::runtime::producer_and_topics;
use crate::support::{Deployment, servers, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

/// Two that keep the tree take turns, and either goes on from where the other was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_keep_the_tree_together() {
    let log = log_of(10).await;
    let pool = log.pool();
    let (mut one, mut other) = (Grower::new(pool.clone()), Grower::new(pool.clone()));
    for round in 1..=20 {
        let (a, b) = tokio::join!(one.grow(), other.grow());
        let (a, b) = (a.unwrap(), b.unwrap());
        let size = Grown::UpToDate(round * 30);
        assert!(a == size || b == size, "{a:?} {b:?}");
        add(&log, 10).await;
    }
    assert_eq!(other.grow().await.unwrap(), Grown::UpToDate(630));
    let held = sign(pool, &keys()).await.unwrap().unwrap();
    assert_eq!(held.size, 630);
    // Nothing has grown: it is the same.
    assert_eq!(sign(pool, &keys()).await.unwrap().unwrap(), held);
    let report = verify(pool, &Trusted::default(), |_, _| ()).await.unwrap();
    assert!(report.holds(), "{report:?}");
    assert_eq!((report.honoured, report.unsigned), (1, 1));
}

/// What is signed while a log is verified is no fault of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_verified_while_it_grows_and_is_signed() {
    let log = log_of(10).await;
    let pool = log.pool().clone();
    let stop = CancellationToken::new();
    let growing = tokio::spawn({
        let stop = stop.clone();
        async move {
            while !stop.is_cancelled() {
                add(&log, 1).await;
                signed(log.pool()).await;
            }
        }
    });
    for _ in 0..100 {
        let report = verify(&pool, &Trusted::default(), |_, _| ()).await.unwrap();
        assert!(report.holds(), "{report:?}");
    }
    stop.cancel();
    growing.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_log_has_nothing_to_sign() {
    let log = log_of(0).await;
    assert_eq!(
        Grower::new(log.pool().clone()).grow().await.unwrap(),
        Grown::UpToDate(0)
    );
    assert_eq!(sign(log.pool(), &keys()).await.unwrap(), None);
    let report = verify(log.pool(), &Trusted::default(), |_, _| ())
        .await
        .unwrap();
    assert!(report.holds(), "{report:?}");
}

/// A log that lost its end and goes on otherwise has another name, and what was signed before holds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_epoch_signs_under_another_name() {
    let log = log_of(10).await;
    let pool = log.pool();
    signed(pool).await;
    event_store::epoch::begin(pool).await.unwrap();
    assert_eq!(signed(pool).await, 30);
    let both = checkpoints(pool, 30, 30, None).await.unwrap();
    assert_eq!(both.len(), 2);
    assert_ne!(both[0].origin, both[1].origin);
    let mut keys_of_both = keys().verifiers(&both[0].origin).unwrap();
    keys_of_both.extend(keys().verifiers(&both[1].origin).unwrap());
    let trusted = Trusted {
        keys: keys_of_both,
        published: Vec::new(),
    };
    let report = verify(pool, &trusted, |_, _| ()).await.unwrap();
    assert!(report.holds(), "{report:?}");
    assert_eq!((report.honoured, report.unsigned), (2, 0));
}

/// What could not be published is published later, and what was is not published again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_are_published_when_that_is_possible() {
    let log = log_of(10).await;
    let pool = log.pool();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("published");
    std::fs::write(&place, "in the way").unwrap();
    let sinks = [Sink::Folder(place.clone())];
    signed(pool).await;
    let refused = publish(pool, &sinks).await;
    assert!(
        matches!(refused, Err(tree::Error::Folder { .. })),
        "{refused:?}"
    );
    std::fs::remove_file(&place).unwrap();
    add(&log, 1).await;
    signed(pool).await;
    publish(pool, &sinks).await.unwrap();
    let first = place.join(format!("{:020}.checkpoint", 30));
    assert!(first.exists() && place.join(format!("{:020}.checkpoint", 33)).exists());
    std::fs::remove_file(&first).unwrap();
    publish(pool, &sinks).await.unwrap();
    assert!(!first.exists());
}

/// One message each, by size, with the name of the log as its key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_gets_every_checkpoint() {
    let log = log_of(10).await;
    let pool = log.pool();
    signed(pool).await;
    add(&log, 1).await;
    signed(pool).await;
    let kafka = servers().own_topics();
    let topic = format!("{}.checkpoints", kafka.topic_prefix);
    let (_, admin) = producer_and_topics(&kafka).await;
    let new = NewTopic::new(&topic, 1, TopicReplication::Fixed(1));
    let made = admin.create_topics([&new], &AdminOptions::new());
    made.await.unwrap()[0].as_ref().unwrap();
    let brokers = servers().kafka.brokers();
    let sinks = [Sink::topic(brokers, &topic).unwrap()];
    publish(pool, &sinks).await.unwrap();
    publish(pool, &sinks).await.unwrap();
    let all = checkpoints(pool, 0, u64::MAX, None).await.unwrap();
    let expected: Vec<(String, String)> =
        all.into_iter().map(|one| (one.origin, one.note)).collect();
    let found = tokio::task::spawn_blocking(move || messages(&topic)).await;
    assert_eq!(found.unwrap(), expected);
}

/// Keys and values of all messages of a topic of one partition.
fn messages(topic: &str) -> Vec<(String, String)> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", servers().kafka.brokers())
        .set("group.id", topic)
        .create()
        .unwrap();
    let (_, end) = consumer.fetch_watermarks(topic, 0, LIMIT).unwrap();
    let mut place = TopicPartitionList::new();
    place
        .add_partition_offset(topic, 0, Offset::Beginning)
        .unwrap();
    consumer.assign(&place).unwrap();
    let text = |bytes: Option<&[u8]>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
    let mut all = Vec::new();
    while (all.len() as i64) < end {
        if let Some(message) = consumer.poll(LIMIT) {
            let message = message.unwrap();
            all.push((text(message.key()), text(message.payload())));
        }
    }
    all
}

/// Workers that are killed with `-9` while the log grows: each published checkpoint is a beginning of
/// the later ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_leave_one_tree() {
    let databases = servers().database().await;
    let log = open(&databases.database_url).await;
    let folder = tempfile::tempdir().unwrap();
    let published = folder.path().join("checkpoints");
    let mut deployment = Deployment::new(databases, folder.path().join("log"));
    deployment.brokers = None;
    deployment.variables = vec![
        ("COMPTOIR_CHECKPOINT_SECONDS", "1".to_owned()),
        (
            "COMPTOIR_CHECKPOINT_FOLDER",
            published.display().to_string(),
        ),
    ];
    for _ in 0..3 {
        let mut worker = deployment.start("worker").await;
        add(&log, 100).await;
        let (_, head) = event_store::head(log.pool()).await.unwrap();
        wait_for("a checkpoint of some of it", LIMIT, || async {
            let last = tree::latest(log.pool()).await.unwrap();
            last.filter(|last| last.size > head.unsigned_abs() - 300)
        })
        .await;
        worker.kill();
    }
    let mut worker = deployment.start("worker").await;
    let file = published.join(format!("{:020}.checkpoint", 900));
    wait_for("the last checkpoint", LIMIT, || async {
        file.exists().then_some(())
    })
    .await;
    worker.kill();
    let all = checkpoints(log.pool(), 0, u64::MAX, None).await.unwrap();
    let trusted = Trusted {
        keys: keys().verifiers(&all[0].origin).unwrap(),
        published: vec![std::fs::read_to_string(&file).unwrap()],
    };
    let key = &trusted.keys[0];
    assert_eq!(
        Checkpoint::open(&trusted.published[0], key).unwrap().size(),
        900
    );
    for one in &all {
        let proof = tree::consistency(log.pool(), one.size, None).await.unwrap();
        check(&Proof::Consistency(proof), key).unwrap();
    }
    let report = verify(log.pool(), &trusted, |_, _| ()).await.unwrap();
    assert!(report.holds() && report.unsigned == 0, "{report:?}");
}

/// Where the tiles are not those that were signed, nothing is signed, a metric tells so until it is
/// mended, and everything else goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_signed_over_an_altered_tree() {
    let databases = servers().database().await;
    let log = open(&databases.database_url).await;
    add(&log, 100).await;
    let pool = log.pool();
    signed(pool).await;
    pool.execute(
        "UPDATE tiles SET hashes = overlay(hashes placing sha256('') FROM 1) WHERE level = 1",
    )
    .await
    .unwrap();
    let refused = sign(pool, &keys()).await;
    assert!(
        matches!(refused, Err(tree::Error::Contradiction { size: 300, .. })),
        "{refused:?}"
    );
    let folder = tempfile::tempdir().unwrap();
    let mut deployment = Deployment::new(databases, folder.path().join("log"));
    deployment.brokers = None;
    deployment.variables = vec![("COMPTOIR_CHECKPOINT_SECONDS", "3600".to_owned())];
    let mut worker = deployment.start("worker").await;
    let refuses = async || {
        let told = worker.client.get("/metrics").await.expect(200).body;
        let told = told.as_str().unwrap().lines();
        told.filter(|line| *line == "comptoir_tree_refused 1")
            .count()
            == 1
    };
    wait_for("the worker to refuse", LIMIT, || async {
        refuses().await.then_some(())
    })
    .await;
    // It goes on to add what comes, and goes on to refuse.
    add(&log, 1).await;
    wait_for("a larger tree", LIMIT, || async {
        (tree::size(pool).await.unwrap() == 303).then_some(())
    })
    .await;
    add(&log, 1).await;
    wait_for("a larger tree", LIMIT, || async {
        (tree::size(pool).await.unwrap() == 306).then_some(())
    })
    .await;
    assert!(refuses().await);
    assert_eq!(checkpoints(pool, 0, u64::MAX, None).await.unwrap().len(), 1);
    worker.kill();
}
