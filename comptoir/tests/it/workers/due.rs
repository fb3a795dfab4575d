//! Timers: set, moved, cancelled, and carried out once, across restarts.

use chrono::Utc;
use sqlx::{Executor, PgPool};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::runtime::{replay, run_due};

use super::order::Event;
use super::policies::toys;
use super::process::Worker;
use super::{LIMIT, happen, in_ms, ordered, own_log, quiet, times};
use crate::support::wait_for;

async fn states(pool: &PgPool) -> Vec<String> {
    let sql = "SELECT state FROM due ORDER BY position";
    sqlx::query_scalar(sql).fetch_all(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_is_carried_out_at_its_time_and_once() {
    let (log, _) = own_log().await;
    let worker = Worker::start(&log).await;
    let order = Uuid::now_v7();
    let due = in_ms(1_500);
    happen(&log, order, Event::Ordered { due: Some(due) }).await;
    quiet(&log).await;
    worker.stop().await;
    // It is kept while nobody is there.
    assert_eq!(times(&log, order, "expired").await, 0);
    let workers = [Worker::start(&log).await, Worker::start(&log).await];
    wait_for("the timer", LIMIT, || async {
        (times(&log, order, "expired").await > 0).then_some(())
    })
    .await;
    let expired = super::stored(&log).await.pop().unwrap();
    assert!(expired.recorded_at >= due, "{expired:?}");
    // As if the worker had died after the command and before it wrote that down.
    let again = "UPDATE due SET state = 'pending', command = '{\"order\":\"' || key || '\"}'";
    log.pool().execute(again).await.unwrap();
    wait_for("the timer again", LIMIT, || async {
        (states(log.pool()).await == ["done"]).then_some(())
    })
    .await;
    assert_eq!(times(&log, order, "expired").await, 1);
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_is_moved_and_cancelled_by_events() {
    let (log, _) = own_log().await;
    let worker = Worker::start(&log).await;
    let [paid, moved] = [Uuid::now_v7(), Uuid::now_v7()];
    for order in [paid, moved] {
        let due = Some(in_ms(700));
        happen(&log, order, Event::Ordered { due }).await;
    }
    happen(&log, paid, Event::Paid {}).await;
    let due = in_ms(1_500);
    happen(&log, moved, Event::Prolonged { due }).await;
    wait_for("the moved timer", LIMIT, || async {
        (times(&log, moved, "expired").await > 0).then_some(())
    })
    .await;
    let expired = super::stored(&log).await.pop().unwrap();
    assert!(expired.recorded_at >= due, "{expired:?}");
    quiet(&log).await;
    assert_eq!(times(&log, paid, "expired").await, 0);
    assert_eq!(times(&log, moved, "expired").await, 1);
    assert_eq!(states(log.pool()).await, ["cancelled", "cancelled", "done"]);
    worker.stop().await;
}

/// The worker was away when the order was made, paid, and should have expired.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cancelled_while_no_worker_was_there_is_not_carried_out() {
    let (log, _) = own_log().await;
    Worker::start(&log).await.stop().await;
    let orders: Vec<Uuid> = (0..30).map(|_| Uuid::now_v7()).collect();
    let due = in_ms(2_500);
    for order in &orders {
        happen(&log, *order, Event::Ordered { due: Some(due) }).await;
    }
    for order in &orders {
        happen(&log, *order, Event::Paid {}).await;
    }
    assert!(Utc::now() < due, "this machine is too slow for the test");
    wait_for("the time", LIMIT, || async {
        (Utc::now() > due).then_some(())
    })
    .await;
    let worker = Worker::start(&log).await;
    quiet(&log).await;
    for order in orders {
        assert_eq!(times(&log, order, "expired").await, 0);
    }
    worker.stop().await;
}

/// One has it, and the other does what is due after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_worker_has_is_left_to_it() {
    let (log, _) = own_log().await;
    let worker = Worker::start(&log).await;
    let [held, free] = [Uuid::now_v7(), Uuid::now_v7()];
    ordered(&log, held, 1_000).await;
    quiet(&log).await;
    let mut other = log.pool().begin().await.unwrap();
    let lock = "SELECT 1 FROM due FOR UPDATE";
    other.execute(lock).await.unwrap();
    ordered(&log, free, 1_100).await;
    wait_for("the free one", LIMIT, || async {
        (times(&log, free, "expired").await == 1).then_some(())
    })
    .await;
    assert_eq!(times(&log, held, "expired").await, 0);
    other.rollback().await.unwrap();
    wait_for("the other one", LIMIT, || async {
        (times(&log, held, "expired").await == 1).then_some(())
    })
    .await;
    worker.stop().await;
}

/// A replay that is under way may come upon what cancels a timer that it has set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_timer_waits_for_a_replay_of_its_policy() {
    let (log, _) = own_log().await;
    let worker = Worker::start(&log).await;
    let order = Uuid::now_v7();
    ordered(&log, order, 1_500).await;
    quiet(&log).await;
    worker.stop().await;
    // Nobody leads, so the replay does not get on.
    replay::ask(log.pool(), "expire_orders", 0).await.unwrap();
    let stop = CancellationToken::new();
    let due = tokio::spawn(run_due(log.clone(), toys(), stop.clone()));
    let later = in_ms(3_000);
    wait_for("the time", LIMIT, || async {
        (Utc::now() > later).then_some(())
    })
    .await;
    assert_eq!(times(&log, order, "expired").await, 0);
    let worker = Worker::start(&log).await;
    wait_for("the timer", LIMIT, || async {
        (times(&log, order, "expired").await == 1).then_some(())
    })
    .await;
    stop.cancel();
    due.await.unwrap().unwrap();
    worker.stop().await;
}
