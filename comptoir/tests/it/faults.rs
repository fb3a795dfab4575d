//! What faults do: processes killed with -9, PostgreSQL and Kafka stopped and started.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use comptoir::contexts::Contexts;
use comptoir::demo::plan::Plan;
use comptoir::embedded::Lifetime;
use comptoir::embedded::kafka::Kafka as OwnKafka;
use comptoir::embedded::postgres::Postgres;
use comptoir::services::migrate;
use comptoir::settings::{Databases, Kafka};
use domain::actor::Role::Hotelier;
use event_store::{Log, database, read};
use sqlx::PgPool;
use uuid::Uuid;

use crate::demo::{ROWS, check_nights, plan, play, without_ids};
use crate::support::{
    ADMIN_EMAIL, ADMIN_PASSWORD, Client, System, free_port, open_folder, servers, wait_for,
};

const LIMIT: Duration = Duration::from_secs(120);

pub async fn all_visible(log: &Log, tables: &PgPool) {
    wait_for("the read side", LIMIT, || async {
        let behind = read_api::lag::events_behind(log.pool(), tables, &projections::all())
            .await
            .ok()?;
        (behind == 0).then_some(())
    })
    .await;
}

/// `comptoir up --demo` on the servers of the run, as a process of its own.
struct Up {
    child: Child,
}

impl Up {
    fn start(folder: &Path, databases: &Databases, kafka: &Kafka, port: u16) -> Self {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("up.log"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_comptoir"))
            .args(["up", "--demo", "--demo-rows", &ROWS.to_string()])
            .args(["--port", &port.to_string(), "--data"])
            .arg(folder)
            .env("DATABASE_URL", &databases.database_url)
            .env("KAFKA_BROKERS", kafka.kafka_brokers.as_ref().unwrap())
            .env("COMPTOIR_TOPIC_PREFIX", &kafka.topic_prefix)
            .env("COMPTOIR_ADMIN_EMAIL", ADMIN_EMAIL)
            .env("COMPTOIR_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { child }
    }

    /// SIGKILL: no handler, no farewell.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

fn progress(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("demo.ndjson")).unwrap_or_default()
}

/// Laws 3 and 4: killed with -9 again and again in the middle of the demo, the end is the same as
/// without: event by event, but for ids and the time of recording.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_that_is_killed_ends_as_one_that_is_not() {
    let undisturbed = System::start(Contexts::all()).await;
    let plan: Plan = plan();
    play(&undisturbed, &plan).await;
    let expected = read::after(undisturbed.log.pool(), 0, 1_000_000)
        .await
        .unwrap();

    let folder = tempfile::tempdir().unwrap();
    let databases = servers().database().await;
    let kafka = Kafka {
        topic_prefix: format!("t{}", Uuid::new_v4().simple()),
        ..undisturbed.kafka.clone()
    };
    let port = free_port();
    for part in [10, 35, 60, 61] {
        let up = Up::start(folder.path(), &databases, &kafka, port);
        let lines = plan.steps.len() * part / 100;
        wait_for("the demo to get on", LIMIT, || async {
            let told = || std::fs::read_to_string(folder.path().join("up.log")).unwrap();
            assert!(!told().contains("failed: "), "{}", told());
            (progress(folder.path()).lines().count() >= lines).then_some(())
        })
        .await;
        up.kill();
    }
    let up = Up::start(folder.path(), &databases, &kafka, port);
    wait_for("the end of the demo", LIMIT, || async {
        progress(folder.path()).contains("ended").then_some(())
    })
    .await;
    let pool = database::pool(&databases.database_url, "log", 2).unwrap();
    let tables = database::pool(&databases.database_url, "read", 2).unwrap();
    let events = read::after(&pool, 0, 1_000_000).await.unwrap();
    let (killed, whole) = (without_ids(&events), without_ids(&expected));
    assert_eq!(killed.len(), whole.len());
    for (one, other) in killed.iter().zip(&whole) {
        assert_eq!(one, other);
    }
    wait_for("the read side", LIMIT, || async {
        let behind = read_api::lag::events_behind(&pool, &tables, &projections::all())
            .await
            .ok()?;
        (behind == 0).then_some(())
    })
    .await;
    let created = events
        .iter()
        .find(|event| event.event_type == "HotelCreated")
        .unwrap();
    check_nights(&pool, &tables, &plan, created.aggregate_id).await;
    up.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_postgresql_is_away_commands_are_503_and_then_all_goes_on() {
    let folder = open_folder();
    let home = folder.path().join("postgres");
    let postgres = Postgres::start(&home, Lifetime::Tied).await.unwrap();
    let databases = Databases {
        database_url: postgres.url().to_owned(),
        read_database_url: None,
    };
    migrate(&databases).await.unwrap();
    let kafka = servers().own_topics();
    let system = System::on(Contexts::all(), databases, kafka).await;
    let hotelier = system.client(&[Hotelier]);
    let hotel = hotelier.hotel(10).await;
    hotelier.book(hotel, 1, 2).await.expect(201);

    postgres.stop().await.unwrap();
    let refused = hotelier.book(hotel, 1, 2).await.problem(503, "log-away");
    assert_eq!(refused.header("retry-after"), "1");
    hotelier
        .get("/api/hotels")
        .await
        .problem(503, "read-side-away");
    hotelier.get("/readyz").await.expect(503);
    hotelier.get("/livez").await.expect(200);

    let _postgres = Postgres::start(&home, Lifetime::Tied).await.unwrap();
    let booked = wait_for("a booking", LIMIT, || async {
        let answer = hotelier.book(hotel, 1, 2).await;
        assert!([201, 503].contains(&answer.status.as_u16()), "{answer:?}");
        (answer.status == 201).then_some(answer)
    })
    .await;
    let reserved = wait_for("the read side", LIMIT, || async {
        let path = format!("/api/reservations/{}", booked.id());
        let shown = hotelier.get_after(&booked, &path).await;
        (shown.status == 200).then_some(())
    });
    reserved.await;
    assert_eq!(
        hotelier.reserved(&booked, hotel, 1).await,
        2,
        "the refused one left no trace"
    );
    assert!(!system.stop.is_cancelled(), "no task died of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_kafka_is_away_commands_go_on_and_the_read_side_says_that_it_lags() {
    let folder = open_folder();
    let home = folder.path().join("kafka");
    let tools = OwnKafka::find_tools().unwrap();
    let broker = OwnKafka::start(&tools, &home, Lifetime::Tied)
        .await
        .unwrap();
    let kafka = Kafka {
        kafka_brokers: Some(broker.brokers().to_owned()),
        topic_prefix: "comptoir".to_owned(),
        replication: 1,
    };
    let system = System::on(Contexts::all(), servers().database().await, kafka).await;
    let hotelier = system.client(&[Hotelier]);
    let hotel = hotelier.hotel(10).await;
    let first = hotelier.book(hotel, 1, 2).await.expect(201);
    assert_eq!(hotelier.reserved(&first, hotel, 1).await, 1);

    broker.stop().await.unwrap();
    let booked = hotelier.book(hotel, 1, 2).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    let token = [("consistency-token", booked.header("consistency-token"))];
    let stale = hotelier
        .send(reqwest::Method::GET, &path, &token, None)
        .await;
    stale.problem(503, "not-yet-visible");
    let health = hotelier.get("/api/health").await.expect(200);
    assert_eq!(
        health.body["checks"]["lag"],
        "the read side is 2 events behind"
    );

    let _broker = OwnKafka::start(&tools, &home, Lifetime::Tied)
        .await
        .unwrap();
    wait_for("the read side", LIMIT, || async {
        let shown = hotelier.get_after(&booked, &path).await;
        (shown.status == 200).then_some(())
    })
    .await;
    assert_eq!(hotelier.reserved(&booked, hotel, 1).await, 2);
    assert!(!system.stop.is_cancelled(), "no task died of it");
}

/// After `kill -9` the next `up` goes on with the PostgreSQL and the Kafka that it had started,
/// and ends them with itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn up_adopts_its_own_servers_and_stops_cleanly() {
    let folder = open_folder();
    let port = free_port();
    let client = Client::new(format!("http://127.0.0.1:{port}"));
    let start = || {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.path().join("up.log"))
            .unwrap();
        Command::new(env!("CARGO_BIN_EXE_comptoir"))
            .args(["up", "--port", &port.to_string(), "--data"])
            .arg(folder.path().join("data"))
            .env_remove("DATABASE_URL")
            .env_remove("KAFKA_BROKERS")
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    };
    let told = || std::fs::read_to_string(folder.path().join("up.log")).unwrap();
    let ups = |text: &str| text.matches("Comptoir is up").count();
    // Tables of a log that is new are made a moment after it is up.
    let ready = || {
        wait_for("it to be ready", LIMIT, || async {
            (client.get("/readyz").await.status == 200).then_some(())
        })
    };
    let mut first = start();
    wait_for("the first start", LIMIT, || async {
        (ups(&told()) == 1).then_some(())
    })
    .await;
    ready().await;
    first.kill().unwrap();
    first.wait().unwrap();

    let mut second = start();
    wait_for("the second start", LIMIT, || async {
        (ups(&told()) == 2).then_some(())
    })
    .await;
    assert_eq!(
        told().matches("left running by the last start").count(),
        2,
        "{}",
        told()
    );
    ready().await;
    let interrupt = Command::new("kill")
        .args(["-INT", &second.id().to_string()])
        .status();
    assert!(interrupt.unwrap().success());
    let status = wait_for("the end", LIMIT, || {
        let ended = second.try_wait().unwrap();
        async move { ended }
    })
    .await;
    assert!(status.success(), "{}", told());
    let data = folder.path().join("data").display().to_string();
    let left = std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| {
            let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(&data)
        });
    assert_eq!(left.count(), 0, "a server was left running");
}
