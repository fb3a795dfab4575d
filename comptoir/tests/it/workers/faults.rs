//! Kills and freezes: every reaction to every event counts once.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use sqlx::Executor;
use uuid::Uuid;

use super::order::Event;
use super::process::{Worker, WorkerProcess, leader};
use super::{LIMIT, counted, happen, in_ms, ordered, own_log, quiet, times};
use crate::support::{open_folder, wait_for};

const ORDERS: usize = 240;
const KILLS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_are_killed_again_and_again_do_everything_once() {
    let (log, url) = own_log().await;
    let folder = open_folder();
    let start = |name: &str| WorkerProcess::start(&url, name, folder.path());
    let mut workers = [start("one"), start("other")];
    wait_for("a leader", LIMIT, || leader(log.pool())).await;
    let (mut expected, mut last) = (BTreeMap::new(), Utc::now());
    for index in 0..ORDERS {
        let order = Uuid::now_v7();
        let is_paid = index % 3 == 0;
        let due = match is_paid {
            true => in_ms(4_000),
            false => in_ms(200 + 10 * (index as i64 % 50)),
        };
        happen(&log, order, Event::Ordered { due: Some(due) }).await;
        for what in ["ordered", "ordered, too"] {
            expected.insert((order, what.to_owned()), 1);
        }
        if is_paid {
            last = in_ms(5_000);
            let due = last;
            happen(&log, order, Event::Prolonged { due }).await;
            happen(&log, order, Event::Paid {}).await;
            expected.insert((order, "paid".to_owned()), 1);
        } else {
            expected.insert((order, "expired".to_owned()), 1);
        }
        if index % (ORDERS / KILLS) == ORDERS / KILLS / 2 {
            // The one that leads, or the one that stands by.
            let leads = leader(log.pool()).await;
            let of_both = index / (ORDERS / KILLS) % 4 != 3;
            let hit =
                |worker: &&mut WorkerProcess| (leads.as_ref() == Some(&worker.name)) == of_both;
            if let Some(worker) = workers.iter_mut().find(hit) {
                worker.kill();
            }
        }
    }
    wait_for("the last timer to be over", LIMIT, || async {
        (Utc::now() > last && counted(&log).await.len() >= expected.len()).then_some(())
    })
    .await;
    quiet(&log).await;
    assert_eq!(counted(&log).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_takes_over_from_one_that_is_frozen() {
    let (log, url) = own_log().await;
    let folder = open_folder();
    let start = |name: &str| WorkerProcess::start(&url, name, folder.path());
    let workers = [start("one"), start("other")];
    let first = wait_for("a leader", LIMIT, || leader(log.pool())).await;
    let frozen = workers.iter().find(|one| one.name == first).unwrap();
    frozen.signal("STOP");
    let orders: Vec<Uuid> = (0..20).map(|_| Uuid::now_v7()).collect();
    for order in &orders {
        let due = Some(in_ms(0));
        happen(&log, *order, Event::Ordered { due }).await;
    }
    wait_for("another leader", LIMIT, || async {
        leader(log.pool()).await.filter(|name| *name != first)
    })
    .await;
    quiet(&log).await;
    frozen.signal("CONT");
    let last = Uuid::now_v7();
    happen(&log, last, Event::Ordered { due: None }).await;
    quiet(&log).await;
    // What it had under way when it was frozen comes now, and counts no second time.
    tokio::time::sleep(Duration::from_secs(1)).await;
    for order in &orders {
        for what in ["ordered", "ordered, too", "expired"] {
            assert_eq!(times(&log, *order, what).await, 1, "{what}");
        }
    }
    assert_eq!(times(&log, last, "ordered").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_stands_by_takes_over_from_one_that_is_killed() {
    let (log, url) = own_log().await;
    let folder = open_folder();
    let start = |name: &str| WorkerProcess::start(&url, name, folder.path());
    let mut workers = [start("one"), start("other")];
    let first = wait_for("a leader", LIMIT, || leader(log.pool())).await;
    let killed = workers.iter_mut().find(|one| one.name == first).unwrap();
    killed.end();
    let order = Uuid::now_v7();
    ordered(&log, order, 0).await;
    wait_for("the other to do it", LIMIT, || async {
        (times(&log, order, "expired").await == 1).then_some(())
    })
    .await;
    assert_eq!(times(&log, order, "ordered").await, 1);
    assert_ne!(leader(log.pool()).await, Some(first));
}

/// Nothing can be appended while the worker reacts, and then it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_position_is_not_passed_before_what_follows_is_committed() {
    let (log, url) = own_log().await;
    Worker::start(&log).await.stop().await;
    let orders: Vec<Uuid> = (0..20).map(|_| Uuid::now_v7()).collect();
    for order in &orders {
        happen(&log, *order, Event::Ordered { due: None }).await;
    }
    let mut lock = log.pool().begin().await.unwrap();
    lock.execute("SELECT 1 FROM epoch FOR UPDATE")
        .await
        .unwrap();
    let folder = open_folder();
    let mut worker = WorkerProcess::start(&url, "one", folder.path());
    let position = async |policy: &str| -> i64 {
        let sql = "SELECT position FROM policies WHERE policy = $1";
        let position = sqlx::query_scalar(sql).bind(policy);
        position.fetch_one(log.pool()).await.unwrap()
    };
    // The other policy, which has nothing to wait for, has passed them.
    wait_for("the worker to read on", LIMIT, || async {
        (position("expire_orders").await == 20).then_some(())
    })
    .await;
    assert_eq!(position("tally_orders").await, 0);
    worker.end();
    lock.rollback().await.unwrap();
    let _again = WorkerProcess::start(&url, "other", folder.path());
    quiet(&log).await;
    for order in orders {
        for what in ["ordered", "ordered, too"] {
            assert_eq!(times(&log, order, what).await, 1, "{what}");
        }
    }
}
