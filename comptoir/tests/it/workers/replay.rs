//! A replay repeats nothing, and does what was not done.

use chrono::{DateTime, Utc};
use event_store::Log;
use uuid::Uuid;
use workers::runtime::{Registered, parked, replay};

use super::order::Event;
use super::policies::{ExpireOrders, TallyOrders};
use super::process::Worker;
use super::{counted, happen, ordered, own_log, quiet, stored, times};

async fn replayed(log: &Log, policy: &str) {
    replay::ask(log.pool(), policy, 0).await.unwrap().unwrap();
    quiet(log).await;
}

/// What was due, and when it was settled.
async fn due(log: &Log) -> Vec<(String, String, Option<DateTime<Utc>>)> {
    let sql = "SELECT key, state, settled_at FROM due ORDER BY position, key";
    sqlx::query_as(sql).fetch_all(log.pool()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_repeats_nothing_however_old_it_is() {
    let (log, _) = own_log().await;
    let worker = Worker::start(&log).await;
    let [expired, paid, vexed] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
    ordered(&log, expired, 0).await;
    ordered(&log, paid, 1_000).await;
    happen(&log, paid, Event::Paid {}).await;
    happen(&log, vexed, Event::Vexed {}).await;
    quiet(&log).await;
    // What was refused would not be any more.
    for _ in 0..1_000 {
        let count = super::order::Tally::Count {
            order: vexed,
            what: "by hand".to_owned(),
        };
        super::on_tally(&log, super::policies::tally_of(vexed), count).await;
    }
    // Years later, answers to retries are long gone.
    let pruned = log.prune_answers(Utc::now() + chrono::TimeDelta::days(4_000));
    pruned.await.unwrap();
    let before = (stored(&log).await, due(&log).await);
    for policy in ["tally_orders", "expire_orders"] {
        replayed(&log, policy).await;
    }
    // The timers that a replay sets once more were due long ago.
    quiet(&log).await;
    assert_eq!((stored(&log).await, due(&log).await), before);
    assert_eq!(parked::list(log.pool(), None).await.unwrap(), []);
    assert_eq!(replay::ask(log.pool(), "nobody", 0).await.unwrap(), None);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_is_new_may_be_replayed_over_all_that_happened() {
    let (log, _) = own_log().await;
    let [expired, paid] = [Uuid::now_v7(), Uuid::now_v7()];
    ordered(&log, expired, 0).await;
    ordered(&log, paid, 0).await;
    for _ in 0..2_000 {
        happen(&log, Uuid::now_v7(), Event::Expired {}).await;
    }
    happen(&log, paid, Event::Paid {}).await;
    let worker = Worker::start(&log).await;
    quiet(&log).await;
    assert_eq!(times(&log, expired, "expired").await, 0);
    replayed(&log, "expire_orders").await;
    replayed(&log, "tally_orders").await;
    assert_eq!(times(&log, expired, "expired").await, 1);
    assert_eq!(
        times(&log, paid, "expired").await,
        0,
        "it was paid, much later"
    );
    assert_eq!(times(&log, paid, "paid").await, 1);
    worker.stop().await;
}

/// Killed in the middle, a replay goes on; and meanwhile what happens is reacted to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_goes_on_where_it_was() {
    let (log, _) = own_log().await;
    for _ in 0..600 {
        happen(&log, Uuid::now_v7(), Event::Ordered { due: None }).await;
    }
    let all = || {
        vec![
            Registered::policy::<TallyOrders>(),
            Registered::policy::<ExpireOrders>(),
        ]
    };
    let worker = Worker::of(&log, all()).await;
    replay::ask(log.pool(), "tally_orders", 0).await.unwrap();
    crate::support::wait_for("the replay to begin", super::LIMIT, || async {
        (counted(&log).await.len() > 50).then_some(())
    })
    .await;
    worker.stop().await;
    let worker = Worker::of(&log, all()).await;
    let live = Uuid::now_v7();
    happen(&log, live, Event::Ordered { due: None }).await;
    quiet(&log).await;
    let counted = counted(&log).await;
    assert_eq!(counted.len(), 2 * 601);
    assert!(counted.values().all(|times| *times == 1));
    worker.stop().await;
}
