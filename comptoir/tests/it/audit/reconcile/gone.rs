//! What retention took, and topics that were deleted: no faults.

use audit::reconcile::InKafka;
use comptoir::contexts::Contexts;
use comptoir::settings::Kafka;
use domain::actor::Role::Hotelier;
use uuid::Uuid;

use super::{ByHand, attempt, reconciled, rested, sources};
use crate::projector::topics::OfTopics;
use crate::runtime::{caught_up, history};
use crate::support::System;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_retention_took_has_expired() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let before = system.log.head().await.unwrap();
    let topics = OfTopics::of(&system.kafka).await;
    topics.empty("hotels").await;
    let outcome = reconciled(&system, &system.kafka).await;
    assert_eq!(outcome.findings, []);
    let expired = outcome.kafka().expired;
    assert!(expired > 0 && expired < before as u64, "{expired}");
    // What comes after is there, and what was before stays expired.
    let hotelier = system.client(&[Hotelier]);
    for _ in 0..6 {
        let hotel = hotelier.hotel(4).await;
        hotelier.book(hotel, 3, 5).await.expect(201);
    }
    caught_up(&system.log, &system.read).await;
    let outcome = reconciled(&system, &system.kafka).await;
    assert_eq!(outcome.findings, []);
    assert_eq!(outcome.kafka().expired, expired);
    let after = outcome.lines.iter().filter(|line| line.position > before);
    assert!(after.clone().count() > 12);
    assert!(
        after
            .into_iter()
            .all(|line| line.kafka == Some(InKafka::There))
    );
    system.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_was_deleted_has_expired_and_so_has_what_it_had_when_it_is_made_anew() {
    let (system, events) = rested().await;
    let by_hand = ByHand::make(&system).await;
    let all = by_hand.messages(&system, &events);
    by_hand.send(&all).await;
    by_hand.topics.delete("hotels").await;
    let of_hotels = events.iter().filter(|event| event.context() == "hotels");
    let of_hotels = of_hotels.count() as u64;
    crate::support::wait_for("the end of the topic", super::LIMIT, || async {
        let outcome = reconciled(&system, &by_hand.kafka).await;
        let all = outcome.summary.kafka.as_ref().unwrap();
        let gone = all.iter().filter(|one| one.low.is_none()).count();
        (gone == 3).then_some(())
    })
    .await;
    let outcome = reconciled(&system, &by_hand.kafka).await;
    assert_eq!(outcome.findings, []);
    assert_eq!(outcome.kafka().expired, of_hotels);
    // A new one, which has what was sent since.
    by_hand.topics.make("hotels").await;
    let half = events.len() / 2;
    let later = all[half..]
        .iter()
        .filter(|one| one.topic.ends_with("hotels"));
    let later: Vec<_> = later.cloned().collect();
    by_hand.send(&later).await;
    let outcome = reconciled(&system, &by_hand.kafka).await;
    assert_eq!(outcome.findings, []);
    assert_eq!(outcome.kafka().expired, of_hotels - later.len() as u64);
    // And none at all is no answer.
    let elsewhere = Kafka {
        topic_prefix: format!("t{}", Uuid::new_v4().simple()),
        ..by_hand.kafka.clone()
    };
    let attempted = attempt(sources(&system, &elsewhere), Default::default()).await;
    let why = attempted.err().unwrap().to_string();
    assert!(why.contains("is the prefix right?"), "{why}");
}
