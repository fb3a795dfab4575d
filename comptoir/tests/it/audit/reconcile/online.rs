//! A system at work, and the command line.

use std::sync::atomic::{AtomicBool, Ordering};

use audit::reconcile::{Asked, Did};
use comptoir::contexts::Contexts;
use domain::actor::Role::Hotelier;
use serde_json::Value;

use super::{LIMIT, attempt, reconciled, rested, sources};
use crate::audit::asked;
use crate::runtime::{caught_up, history};
use crate::support::{System, wait_for};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_wrong_while_customers_buy() {
    let system = System::start(Contexts::all()).await;
    history(&system).await;
    let hotelier = system.client(&[Hotelier]);
    let hotel = hotelier.hotel(4_000).await;
    let enough = AtomicBool::new(false);
    let buying = async {
        while !enough.load(Ordering::SeqCst) {
            hotelier.book(hotel, 3, 5).await.expect(201);
        }
    };
    let looking = async {
        let mut heads = Vec::new();
        for window in [200_000, 10, 50, 200_000] {
            let asked = Asked {
                window,
                ..Asked::default()
            };
            let outcome = attempt(sources(&system, &system.kafka), asked)
                .await
                .unwrap();
            assert_eq!(outcome.findings, []);
            let sum = outcome.kafka();
            assert_eq!(sum.events, outcome.summary.head as u64);
            assert_eq!(
                (sum.found + sum.not_yet_relayed, sum.expired),
                (sum.events, 0)
            );
            heads.push(outcome.summary.head);
        }
        enough.store(true, Ordering::SeqCst);
        heads
    };
    let ((), heads) = tokio::join!(buying, looking);
    assert!(heads[0] < heads[3], "nobody bought meanwhile: {heads:?}");
    caught_up(&system.log, &system.read).await;
    wait_for("everybody", LIMIT, || async {
        let outcome = reconciled(&system, &system.kafka).await;
        let all = outcome
            .summary
            .projections
            .iter()
            .chain(&outcome.summary.policies);
        let behind: u64 = all.map(|one| one.not_seen).sum();
        (behind == 0 && outcome.kafka().not_yet_relayed == 0).then_some(())
    })
    .await;
    let outcome = reconciled(&system, &system.kafka).await;
    let head = outcome.summary.head as u64;
    for one in outcome
        .summary
        .projections
        .iter()
        .chain(&outcome.summary.policies)
    {
        assert_eq!(one.applied + one.skipped, head, "{one:?}");
    }
    let hotels = outcome
        .summary
        .projections
        .iter()
        .find(|one| one.name == "hotels");
    let sql = "SELECT count(*) FROM events WHERE aggregate_type = 'hotels.hotel'";
    let of_hotels: i64 = sqlx::query_scalar(sql)
        .fetch_one(system.log.pool())
        .await
        .unwrap();
    assert_eq!(hotels.unwrap().applied, of_hotels as u64);
    let sql = "SELECT policy FROM policies ORDER BY policy";
    let known: Vec<String> = sqlx::query_scalar(sql)
        .fetch_all(system.log.pool())
        .await
        .unwrap();
    let mut told: Vec<_> = outcome
        .summary
        .policies
        .iter()
        .map(|one| one.name)
        .collect();
    told.sort_unstable();
    assert_eq!(told, known, "every policy says what it follows");
    system.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_tells_and_exits_as_it_finds() {
    let (system, events) = rested().await;
    let url = Some(system.databases.database_url.as_str());
    let brokers = system.kafka.kafka_brokers.as_deref().unwrap();
    let prefix = system.kafka.topic_prefix.as_str();
    let kafka = ["--kafka-brokers", brokers, "--topic-prefix", prefix];
    let of = |more: &[&'static str]| [&["reconcile"][..], &kafka, more].concat();
    let (exit, told, wrong) = asked(url, &of(&[])).await;
    assert_eq!(exit, 0, "{told}{wrong}");
    assert!(
        told.contains("Nothing is wrong.") && told.contains("not yet relayed"),
        "{told}"
    );
    // A range, position by position.
    let (exit, told, _) = asked(url, &of(&["--from", "5", "--to", "9", "--all", "--json"])).await;
    assert_eq!(exit, 0, "{told}");
    let lines: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let positions: Vec<_> = lines
        .iter()
        .filter_map(|line| line["position"].as_i64())
        .collect();
    assert_eq!(positions, [5, 6, 7, 8, 9]);
    for (line, event) in lines.iter().zip(&events[4..9]) {
        assert_eq!(line["partition"], event.partition);
        assert_eq!(
            (&line["kafka"], &line["copies"]),
            (&"there".into(), &1.into())
        );
    }
    let summary = &lines.last().unwrap()["summary"];
    assert_eq!(
        (&summary["from"], &summary["findings"]),
        (&5.into(), &0.into())
    );
    // Without Kafka.
    let (exit, told, _) = asked(url, &["reconcile"]).await;
    assert_eq!(
        (exit, told.contains("Kafka was not looked at")),
        (0, true),
        "{told}"
    );
    // Somebody has seen more than there is.
    sqlx::query("UPDATE watermarks SET position = 1000000 WHERE projection = 'hotels'")
        .execute(&system.read)
        .await
        .unwrap();
    let (exit, told, _) = asked(url, &of(&[])).await;
    assert_eq!(
        (
            exit,
            told.contains("WRONG: beyond the log: the read table hotels")
        ),
        (1, true)
    );
    let missing = asked(url, &of(&["--from", "1000000"])).await;
    assert_eq!(
        (missing.0, missing.2.contains("positions are from 1 to")),
        (2, true)
    );
    let other = [
        "reconcile",
        "--kafka-brokers",
        brokers,
        "--topic-prefix",
        "nobodys",
    ];
    let (exit, _, why) = asked(url, &other).await;
    assert_eq!(
        (exit, why.contains("is the prefix right?")),
        (2, true),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_kafka_the_rest_is_told() {
    let (system, events) = rested().await;
    let mut kafka = system.kafka.clone();
    kafka.kafka_brokers = None;
    let outcome = reconciled(&system, &kafka).await;
    assert_eq!(
        (outcome.summary.kafka.is_none(), outcome.findings.len()),
        (true, 0)
    );
    assert_eq!(outcome.lines.len(), events.len());
    assert!(outcome.lines.iter().all(|line| line.kafka.is_none()));
    assert_eq!(outcome.lines[0].projections.len(), projections::all().len());
    // A projector that is behind has not seen the rest.
    let half = events.len() as i64 / 2;
    sqlx::query(
        "UPDATE watermarks SET position = least(position, $1), event_id = NULL \
         WHERE projection = 'hotels'",
    )
    .bind(half)
    .execute(&system.read)
    .await
    .unwrap();
    let outcome = reconciled(&system, &kafka).await;
    let of_hotels = |event: &&event_store::RecordedEvent| event.aggregate_type == "hotels.hotel";
    for event in events.iter().filter(of_hotels) {
        let did = outcome.line(event.position).projections["hotels"];
        let expected = match event.position <= half {
            true => Did::Applied,
            false => Did::NotSeen,
        };
        assert_eq!(did, expected, "{}", event.position);
    }
    let told = outcome
        .summary
        .projections
        .iter()
        .find(|one| one.name == "hotels")
        .unwrap();
    assert!(told.not_seen > 0 && outcome.summary.holds(), "{told:?}");
}
