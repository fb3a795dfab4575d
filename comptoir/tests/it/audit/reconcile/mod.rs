//! Reconciling: log, Kafka, read tables and policies, in order and in every kind of disorder.

mod faults;
mod followers;
mod gone;
mod http;
mod online;

use std::collections::{BTreeMap, HashMap};

use audit::reconcile::{
    Asked, Error, Finding, Line, Partition, Policy, Reconciliation, Sources, Summary, Told,
};
use comptoir::contexts::Contexts;
use comptoir::settings::Kafka;
use domain::actor::Role::Hotelier;
use event_store::{Position, RecordedEvent, message};
use futures::{StreamExt, stream};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::projector::topics::OfTopics;
use crate::runtime::{caught_up, history, producer_and_topics};
use crate::support::{System, wait_for};

const LIMIT: std::time::Duration = std::time::Duration::from_secs(60);

/// What a reconciliation has told.
#[derive(Debug)]
struct Outcome {
    summary: Summary,
    findings: Vec<Finding>,
    lines: Vec<Line>,
}

impl Outcome {
    /// All partitions together.
    fn kafka(&self) -> Partition {
        let mut sum = Partition::default();
        for one in self.summary.kafka.as_ref().unwrap() {
            sum.messages += one.messages;
            sum.events += one.events;
            sum.found += one.found;
            sum.lost += one.lost;
            sum.duplicated += one.duplicated;
            sum.late += one.late;
            sum.expired += one.expired;
            sum.altered += one.altered;
            sum.unexplained += one.unexplained;
            sum.not_yet_relayed += one.not_yet_relayed;
        }
        sum
    }

    fn line(&self, position: Position) -> &Line {
        let mut lines = self.lines.iter();
        lines.find(|line| line.position == position).unwrap()
    }

    fn sorted(&self) -> Vec<String> {
        let mut all: Vec<String> = self.findings.iter().map(ToString::to_string).collect();
        all.sort();
        all
    }
}

/// The policies that there are.
fn policies() -> Vec<Policy> {
    let all = workers::follows().into_iter();
    let policy = all.map(|one| Policy {
        name: one.name,
        aggregate_type: one.aggregate_type,
    });
    policy.collect()
}

fn sources(system: &System, kafka: &Kafka) -> Sources {
    Sources {
        log: system.log.pool().clone(),
        read: system.read.clone(),
        kafka: kafka.relay(),
        projections: projections::all().into(),
        policies: policies().into(),
    }
}

async fn attempt(sources: Sources, asked: Asked) -> Result<Outcome, Error> {
    let begun = Reconciliation::begin(sources, asked).await?;
    let (sender, mut all) = mpsc::channel(10);
    let collect = async {
        let (mut findings, mut lines) = (Vec::new(), Vec::new());
        while let Some(told) = all.recv().await {
            match told {
                Told::Finding(finding) => findings.push(finding),
                Told::Position(line) => lines.push(line),
                Told::Progress { .. } => {}
            }
        }
        (findings, lines)
    };
    let (summary, (findings, lines)) = tokio::join!(begun.run(sender), collect);
    let summary = summary?;
    assert_eq!(summary.findings, findings.len() as u64);
    Ok(Outcome {
        summary,
        findings,
        lines,
    })
}

/// Everything, with every position.
async fn reconciled(system: &System, kafka: &Kafka) -> Outcome {
    let asked = Asked {
        all: true,
        ..Asked::default()
    };
    attempt(sources(system, kafka), asked).await.unwrap()
}

/// A system that has come to rest after some history, and its events.
async fn rested() -> (System, Vec<RecordedEvent>) {
    rested_after(0).await
}

/// The same after so many bookings more.
async fn rested_after(bookings: usize) -> (System, Vec<RecordedEvent>) {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let hotelier = system.client(&[Hotelier]);
    let hotel = hotelier.hotel(4_000).await;
    let book = |_| async { hotelier.book(hotel, 3, 5).await.expect(201) };
    let all: Vec<_> = stream::iter(0..bookings)
        .map(book)
        .buffered(16)
        .collect()
        .await;
    assert_eq!(all.len(), bookings);
    caught_up(&system.log, &system.read).await;
    system.stop.cancel();
    wait_for("the relay", LIMIT, || async {
        let sql = "SELECT relay.position = head.position FROM relay, head";
        let is: bool = sqlx::query_scalar(sql)
            .fetch_one(system.log.pool())
            .await
            .unwrap();
        is.then_some(())
    })
    .await;
    let events = event_store::read::after(system.log.pool(), 0, 100_000).await;
    (system, events.unwrap())
}

/// A message that is to be sent.
#[derive(Debug, Clone)]
struct Sent {
    topic: String,
    partition: i32,
    key: String,
    payload: String,
    headers: OwnedHeaders,
}

/// Topics of their own, to which messages are sent by hand.
struct ByHand {
    kafka: Kafka,
    topics: OfTopics,
    producer: FutureProducer,
}

impl ByHand {
    async fn make(system: &System) -> Self {
        let kafka = Kafka {
            topic_prefix: format!("t{}", Uuid::new_v4().simple()),
            ..system.kafka.clone()
        };
        let (producer, _) = producer_and_topics(&kafka).await;
        let topics = OfTopics::of(&kafka).await;
        for context in domain::CONTEXTS {
            topics.make(context).await;
        }
        Self {
            kafka,
            topics,
            producer,
        }
    }

    /// The messages of `events`, as the relay sends them.
    fn messages(&self, system: &System, events: &[RecordedEvent]) -> Vec<Sent> {
        let mut previous = HashMap::new();
        let message = |event: &RecordedEvent| {
            let place = (event.context().to_owned(), event.partition);
            let before = previous.insert(place, event.position).unwrap_or(0);
            Sent {
                topic: message::topic(&self.kafka.topic_prefix, event.context(), 1),
                partition: event.partition,
                key: event.aggregate_id.to_string(),
                payload: event.payload.clone(),
                headers: message::headers(event, system.log.epoch(), before),
            }
        };
        events.iter().map(message).collect()
    }

    async fn send(&self, all: &[Sent]) {
        for one in all {
            let record = FutureRecord::to(&one.topic)
                .partition(one.partition)
                .key(&one.key)
                .payload(&one.payload)
                .headers(one.headers.clone());
            self.producer.send(record, LIMIT).await.unwrap();
        }
    }
}

/// The positions of each topic partition, in order.
fn partitions(events: &[RecordedEvent]) -> BTreeMap<(String, i32), Vec<Position>> {
    let mut partitions = BTreeMap::<_, Vec<_>>::new();
    for event in events {
        let place = (event.context().to_owned(), event.partition);
        partitions.entry(place).or_default().push(event.position);
    }
    partitions
}

/// The positions of the longest partition.
fn longest(events: &[RecordedEvent]) -> Vec<Position> {
    let all = partitions(events);
    all.into_values().max_by_key(Vec::len).unwrap()
}
