//! An event over which a policy fails holds up its own stream alone, and is never skipped in
//! silence.

use std::sync::atomic::Ordering;

use uuid::Uuid;
use workers::runtime::parked;

use super::order::Event;
use super::policies::HEALED;
use super::process::Worker;
use super::{LIMIT, happen, own_log, quiet, times};
use crate::support::wait_for;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_fails_is_parked_with_what_follows_until_it_is_tried_again() {
    let (log, _) = own_log().await;
    let pool = log.pool();
    let worker = Worker::start(&log).await;
    let [poisoned, given_up, other] = [Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()];
    for order in [poisoned, given_up] {
        happen(&log, order, Event::Poisoned {}).await;
        happen(&log, order, Event::Paid {}).await;
    }
    happen(&log, other, Event::Paid {}).await;
    quiet(&log).await;
    assert_eq!(times(&log, other, "paid").await, 1);
    assert_eq!(times(&log, poisoned, "paid").await, 0);
    let parked = parked::list(pool, None).await.unwrap();
    let streams: Vec<_> = parked
        .iter()
        .map(|one| (one.aggregate_id, one.events))
        .collect();
    assert_eq!(streams, [(poisoned, 2), (given_up, 2)]);
    assert_eq!(parked[0].error.as_deref(), Some("panicked: poison"));
    assert_eq!(parked[0].policy, "tally_orders");

    // Also by another worker, what follows waits behind it.
    worker.stop().await;
    let worker = Worker::start(&log).await;
    happen(&log, poisoned, Event::Ordered { due: None }).await;
    quiet(&log).await;
    assert_eq!(times(&log, poisoned, "ordered").await, 0);

    // Tried again it fails again, and says so.
    parked::retry(pool, Some("tally_orders"), Some(poisoned))
        .await
        .unwrap();
    wait_for("the second failure", LIMIT, || async {
        let parked = parked::list(pool, None).await.unwrap();
        (parked[0].attempts == 2 && parked[0].error.is_some()).then_some(())
    })
    .await;
    assert_eq!(times(&log, poisoned, "paid").await, 0);

    let discarded = parked::discard(pool, "tally_orders", given_up)
        .await
        .unwrap();
    assert_eq!(discarded, 2);
    happen(&log, given_up, Event::Ordered { due: None }).await;
    HEALED.store(true, Ordering::SeqCst);
    parked::retry(pool, None, None).await.unwrap();
    wait_for("all to be done", LIMIT, || async {
        let left = parked::list(pool, None).await.unwrap();
        left.is_empty().then_some(())
    })
    .await;
    quiet(&log).await;
    for (order, poisoned_times) in [(poisoned, 1), (given_up, 0)] {
        assert_eq!(times(&log, order, "ordered").await, 1);
        assert_eq!(times(&log, order, "paid").await, poisoned_times);
        assert_eq!(times(&log, order, "poisoned").await, poisoned_times);
    }
    worker.stop().await;
}
