//! `comptoir workers`, as an operator calls it.

use comptoir::settings::Databases;
use serde_json::Value;
use sqlx::Executor;
use uuid::Uuid;
use workers::runtime::{failed, parked};

use super::order::Event;
use super::process::Worker;
use super::{LIMIT, happen, ordered, own_log, quiet, times};
use crate::support::{Deployment, wait_for};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_looks_retries_and_replays() {
    let (log, url) = own_log().await;
    let worker = Worker::start(&log).await;
    let order = Uuid::now_v7();
    happen(&log, order, Event::Ordered { due: None }).await;
    quiet(&log).await;
    let folder = tempfile::tempdir().unwrap();
    let databases = Databases {
        database_url: url,
        read_database_url: None,
    };
    let deployment = Deployment::new(databases, folder.path().join("log"));
    let status = deployment.run(&["workers", "status", "--json"]).await;
    assert!(status.success());
    let told: Value = serde_json::from_str(&deployment.printed()).unwrap();
    let names: Vec<&str> = told
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["policy"].as_str())
        .collect();
    assert_eq!(names, ["expire_orders", "tally_orders"]);
    assert_eq!(
        (&told[1]["position"], &told[1]["events_behind"]),
        (&3.into(), &0.into())
    );
    for arguments in [
        &["workers", "list"][..],
        &["workers", "replay", "tally_orders", "--from", "0"],
        &["workers", "parked", "list"],
        &["workers", "parked", "retry", "tally_orders"],
        &["workers", "failed", "list"],
    ] {
        assert!(deployment.run(arguments).await.success(), "{arguments:?}");
    }
    let nobody = ["workers", "replay", "nobody", "--from", "0"];
    assert!(!deployment.run(&nobody).await.success());
    assert!(deployment.printed().contains("there is no policy nobody"));
    quiet(&log).await;
    assert_eq!(times(&log, order, "ordered").await, 1);
    assert!(parked::list(log.pool(), None).await.unwrap().is_empty());
    worker.stop().await;
}

/// What is due fails: it is attempted later and later, then waits for an operator.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_that_fails_waits_for_an_operator() {
    let (log, _) = own_log().await;
    let pool = log.pool();
    let worker = Worker::start(&log).await;
    let [order, other] = [Uuid::now_v7(), Uuid::now_v7()];
    ordered(&log, order, 60_000).await;
    quiet(&log).await;
    let mend = "UPDATE due SET command = '{\"order\":\"' || key || '\"}'";
    let spoil = "UPDATE due SET command = '{}', due_at = now()";
    pool.execute(spoil).await.unwrap();
    ordered(&log, other, 0).await;
    wait_for("the last attempt", LIMIT, || async {
        let sql = "UPDATE due SET due_at = now() WHERE state = 'pending' AND attempts > 0";
        pool.execute(sql).await.unwrap();
        let failed = failed::list(pool, None).await.unwrap();
        (failed.len() == 1).then_some(())
    })
    .await;
    let failed = failed::list(pool, Some("expire_orders")).await.unwrap();
    assert_eq!(
        (failed[0].attempts, failed[0].key.as_str()),
        (8, &*order.to_string())
    );
    let why = failed[0].error.as_deref().unwrap_or_default();
    assert!(why.contains("missing field `order`"), "{why}");
    assert_eq!(times(&log, other, "expired").await, 1, "it held up nothing");
    pool.execute(mend).await.unwrap();
    let retried = failed::retry(pool, Some("expire_orders"), None)
        .await
        .unwrap();
    assert_eq!(retried, 1);
    wait_for("the timer", LIMIT, || async {
        (times(&log, order, "expired").await == 1).then_some(())
    })
    .await;
    worker.stop().await;
}
