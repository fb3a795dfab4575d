//! What projections and policies have parked.

use audit::reconcile::{Asked, Did, Policy, Sources};
use domain::actor::Role::Hotelier;
use domain::streams::{Halt, Streams};
use uuid::Uuid;
use workers::runtime::{Happened, Policy as Reacts, Reaction, Registered};

use super::{LIMIT, attempt, sources};
use crate::projector::names::{POISON, make_table, with_names};
use crate::support::{Client, System, servers, wait_for};
use crate::workers::happen;
use crate::workers::order::{Event, Order};
use crate::workers::process::{Worker, open};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_projection_has_parked() {
    let system = System::prepared(with_names(), async |read| make_table(read).await).await;
    let hotelier = system.client(&[Hotelier]);
    let hotel = hotelier.hotel(4).await;
    for name in [POISON[2].0, "Later"] {
        let mut body = Client::hotel_body(4);
        body["name"] = name.into();
        hotelier
            .put(&format!("/api/hotels/{hotel}"), body)
            .await
            .expect(200);
    }
    let parked = "SELECT count(*) FROM parked WHERE projection = 'names'";
    wait_for("the parked events", LIMIT, || async {
        let parked: i64 = sqlx::query_scalar(parked)
            .fetch_one(&system.read)
            .await
            .unwrap();
        (parked == 2).then_some(())
    })
    .await;
    let sources = Sources {
        projections: with_names().projections.into(),
        ..sources(&system, &system.kafka)
    };
    let asked = Asked {
        all: true,
        ..Asked::default()
    };
    let outcome = attempt(sources, asked).await.unwrap();
    assert_eq!(outcome.findings, []);
    let events = event_store::read::stream(system.log.pool(), "hotels.hotel", hotel, 0);
    let did: Vec<Did> = events
        .await
        .unwrap()
        .iter()
        .map(|event| outcome.line(event.position).projections["names"])
        .collect();
    assert_eq!(did, [Did::Applied, Did::Parked, Did::Parked]);
    system.stop.cancel();
}

/// A policy that fails over every payment.
struct FailOverPayments;

impl Reacts for FailOverPayments {
    const NAME: &'static str = "fail_over_payments";
    type Of = Order;
    type Command = ();

    fn react(happened: &Happened<'_, Order>) -> Vec<Reaction<()>> {
        match happened.event {
            Event::Paid {} => panic!("it always does"),
            _ => Vec::new(),
        }
    }

    fn carry_out((): (), _: &mut Streams) -> Result<(), Halt> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_policy_has_parked() {
    let databases = servers().database().await;
    let log = open(&databases.database_url, "the test").await;
    let read = event_store::database::pool(&databases.database_url, "read", 2).unwrap();
    let worker = Worker::of(&log, vec![Registered::policy::<FailOverPayments>()]).await;
    let order = Uuid::now_v7();
    for event in [
        Event::Ordered { due: None },
        Event::Paid {},
        Event::Ordered { due: None },
    ] {
        happen(&log, order, event).await;
    }
    wait_for("the policy", LIMIT, || async {
        let sql = "SELECT position FROM policies";
        let position: i64 = sqlx::query_scalar(sql).fetch_one(log.pool()).await.unwrap();
        (position == 3).then_some(())
    })
    .await;
    worker.stop().await;
    happen(&log, Uuid::now_v7(), Event::Paid {}).await;
    let policy = |aggregate_type| Policy {
        name: "fail_over_payments",
        aggregate_type,
    };
    let sources = |aggregate_type| Sources {
        log: log.pool().clone(),
        read: read.clone(),
        kafka: None,
        projections: Vec::new().into(),
        policies: vec![policy(aggregate_type)].into(),
    };
    let asked = Asked {
        all: true,
        ..Asked::default()
    };
    let outcome = attempt(sources("toys.order"), asked).await.unwrap();
    let did = |outcome: &super::Outcome| {
        let lines = outcome.lines.iter();
        lines
            .map(|line| line.policies["fail_over_payments"])
            .collect::<Vec<_>>()
    };
    let expected = [Did::Applied, Did::Parked, Did::Parked, Did::NotSeen];
    assert_eq!(did(&outcome), expected);
    let told = &outcome.summary.policies[0];
    assert_eq!(
        (told.applied, told.parked, told.not_seen, told.due),
        (1, 2, 1, Some(0))
    );
    let others = attempt(sources("toys.tally"), asked).await.unwrap();
    assert_eq!(did(&others), [Did::Skipped; 4]);
}
