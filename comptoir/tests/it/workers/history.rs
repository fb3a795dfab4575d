//! Where a policy begins, and what is history to it.

use event_store::epoch;
use uuid::Uuid;

use super::order::Event;
use super::process::Worker;
use super::{counted, happen, import, in_ms, ordered, own_log, quiet, stored, times};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_is_new_begins_at_the_end_of_the_log_and_misses_nothing_from_then_on() {
    let (log, _) = own_log().await;
    happen(&log, Uuid::now_v7(), Event::Ordered { due: None }).await;
    Worker::start(&log).await.stop().await;
    let order = Uuid::now_v7();
    happen(&log, order, Event::Ordered { due: None }).await;
    let worker = Worker::start(&log).await;
    quiet(&log).await;
    let counted = counted(&log).await;
    assert!(
        counted.keys().all(|(counted, _)| *counted == order),
        "{counted:?}"
    );
    assert_eq!(counted.len(), 2);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_starts_nothing_and_still_cancels() {
    let (log, _) = own_log().await;
    let worker = Worker::start(&log).await;
    let [imported, paid] = [Uuid::now_v7(), Uuid::now_v7()];
    import(
        &log,
        imported,
        Event::Ordered {
            due: Some(in_ms(0)),
        },
    )
    .await;
    ordered(&log, paid, 1_000).await;
    import(&log, paid, Event::Paid {}).await;
    let last = Uuid::now_v7();
    ordered(&log, last, 1_200).await;
    crate::support::wait_for("the last timer", super::LIMIT, || async {
        (times(&log, last, "expired").await == 1).then_some(())
    })
    .await;
    quiet(&log).await;
    for what in ["ordered", "ordered, too", "expired"] {
        assert_eq!(times(&log, imported, what).await, 0, "{what}");
    }
    assert_eq!(times(&log, paid, "ordered").await, 1);
    assert_eq!(times(&log, paid, "paid").await, 0);
    assert_eq!(times(&log, paid, "expired").await, 0);
    worker.stop().await;
}

/// What a policy does tells where it comes from.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_of_a_policy_names_its_event() {
    let (log, _) = own_log().await;
    let worker = Worker::start(&log).await;
    let order = Uuid::now_v7();
    ordered(&log, order, 0).await;
    quiet(&log).await;
    let events = stored(&log).await;
    let caused: Vec<_> = events[1..].iter().map(|event| &event.metadata).collect();
    let policies = ["tally_orders", "tally_orders", "expire_orders"];
    assert_eq!(caused.len(), policies.len());
    for metadata in caused {
        let metadata: serde_json::Value = serde_json::from_str(metadata).unwrap();
        assert_eq!(metadata["causation_id"], events[0].event_id.to_string());
        let request = metadata["request_id"].as_str().unwrap();
        assert!(
            policies
                .iter()
                .any(|name| request == format!("policy {name}"))
        );
        assert!(metadata.get("actor").is_none());
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_lost_what_policies_have_seen_is_refused_until_it_has_a_new_epoch() {
    let (log, url) = own_log().await;
    let worker = Worker::start(&log).await;
    happen(&log, Uuid::now_v7(), Event::Ordered { due: None }).await;
    quiet(&log).await;
    worker.stop().await;
    let ahead = "UPDATE policies SET position = position + 100";
    sqlx::query(ahead).execute(log.pool()).await.unwrap();
    let refused = Worker::start(&log).await.ended().await.to_string();
    assert!(refused.contains("_orders has seen position"), "{refused}");
    epoch::begin(log.pool()).await.unwrap();
    let log = super::open(&url, "the test").await;
    let worker = Worker::start(&log).await;
    let order = Uuid::now_v7();
    happen(&log, order, Event::Ordered { due: None }).await;
    quiet(&log).await;
    assert_eq!(times(&log, order, "ordered").await, 1);
    worker.stop().await;
}
