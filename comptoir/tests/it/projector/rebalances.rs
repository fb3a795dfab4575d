//! Projectors that come and go, and a broker that is killed, while events keep coming.

use comptoir::contexts::Contexts;
use comptoir::embedded::Lifetime;
use comptoir::embedded::kafka::Kafka as OwnKafka;
use comptoir::settings::Kafka;
use domain::actor::Role::Hotelier;

use super::{LIMIT, Running, filled, is_what_the_log_gives};
use crate::runtime::caught_up;
use crate::support::{Client, System, open_folder, servers, signal, wait_for};

/// Some new streams in every partition.
async fn some_bookings(hotelier: &Client) {
    for _ in 0..5 {
        let hotel = hotelier.hotel(4).await;
        for day in [3, 4, 5] {
            hotelier.book(hotel, day, day + 3).await.expect(201);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projectors_that_come_and_go_lose_nothing_and_count_nothing_twice() {
    let system = System::start(Contexts::all()).await;
    let hotelier = system.client(&[Hotelier]);
    let mut others = Vec::new();
    for round in 0..6 {
        others.push(Running::start(&system, system.kafka.source()));
        some_bookings(&hotelier).await;
        if round % 2 == 1 {
            others.remove(0).stop().await;
            some_bookings(&hotelier).await;
        }
    }
    caught_up(&system.log, &system.read).await;
    assert_eq!(filled(&system).await, (0, 0), "a rebalance is no hole");
    for other in others {
        other.stop().await;
    }
    system.stop.cancel();
    is_what_the_log_gives(&system).await;
}

/// Another version of the program knows other projections: it must not be given partitions that this
/// one then lacks, and what both project counts once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_versions_of_the_program_run_side_by_side() {
    let system = System::start(Contexts::all()).await;
    let hotelier = system.client(&[Hotelier]);
    some_bookings(&hotelier).await;
    let nights = projections::all()
        .into_iter()
        .filter(|one| one.name == "nights");
    let other = Running::of(&system, system.kafka.source(), nights.collect());
    let sql = "SELECT count(DISTINCT consumer_group) FROM claims";
    wait_for("the other one's partitions", LIMIT, || async {
        let groups = sqlx::query_scalar::<_, i64>(sql).fetch_one(&system.read);
        (groups.await.unwrap() == 2).then_some(())
    })
    .await;
    some_bookings(&hotelier).await;
    caught_up(&system.log, &system.read).await;
    other.stop().await;
    system.stop.cancel();
    is_what_the_log_gives(&system).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_while_projecting_costs_nothing() {
    let folder = open_folder();
    let home = folder.path().join("kafka");
    let tools = OwnKafka::find_tools().unwrap();
    let mut broker = OwnKafka::start(&tools, &home, Lifetime::Tied)
        .await
        .unwrap();
    let kafka = Kafka {
        kafka_brokers: Some(broker.brokers().to_owned()),
        topic_prefix: "comptoir".to_owned(),
        replication: 1,
    };
    let system = System::on(Contexts::all(), servers().database().await, kafka).await;
    let hotelier = system.client(&[Hotelier]);
    for _ in 0..2 {
        some_bookings(&hotelier).await;
        signal(broker.pid(), "KILL");
        some_bookings(&hotelier).await;
        broker.stop().await.unwrap();
        broker = OwnKafka::start(&tools, &home, Lifetime::Tied)
            .await
            .unwrap();
    }
    some_bookings(&hotelier).await;
    caught_up(&system.log, &system.read).await;
    assert!(!system.stop.is_cancelled(), "no task died of it");
    system.stop.cancel();
    is_what_the_log_gives(&system).await;
}
