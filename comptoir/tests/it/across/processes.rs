//! Projectors in processes of their own that share out the partitions and are killed under load.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use comptoir::services::Process;
use comptoir::settings::{Databases, Kafka, Topics};
use domain::actor::Role::Hotelier;
use service_kit::supervise::Supervisor;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{LIMIT, deadlocks, hotels, is_the_fold_of_the_log, start, with_busy_nights};
use crate::support::{Client, System, personal, servers, wait_for};

const URL: &str = "COMPTOIR_ACROSS_URL";
const TOPICS: &str = "COMPTOIR_ACROSS_TOPICS";
const BROKERS: &str = "COMPTOIR_ACROSS_BROKERS";
/// How often a projector is killed.
const KILLS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "another test runs it as a process of its own"]
async fn a_projector() {
    let Some(databases) = told() else {
        return;
    };
    let kafka = Kafka {
        kafka_brokers: Some(std::env::var(BROKERS).unwrap()),
        topic_prefix: std::env::var(TOPICS).unwrap(),
        replication: 1,
    };
    let tasks = Supervisor::new(CancellationToken::new());
    let stop = tasks.stop();
    // It ends with its standard input, so also when the test itself is gone.
    std::thread::spawn(move || {
        let _closed = std::io::stdin().read_to_end(&mut Vec::new());
        stop.cancel();
    });
    let (topics, personal) = (Topics { partitions: 3 }, personal());
    let start = Process::start(
        with_busy_nights(),
        &databases,
        topics,
        Some(&personal),
        tasks,
    );
    let mut process = start.await.unwrap();
    process.projector(kafka.source());
    process.tasks.run().await.unwrap();
}

/// A test of this program as a process of its own, which is killed with this.
pub struct Spawned(Child);

impl Spawned {
    pub fn start(system: &System, test: &str) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--ignored", "--exact"])
            .env(URL, &system.databases.database_url)
            .env(TOPICS, &system.kafka.topic_prefix)
            .env(BROKERS, servers().kafka.brokers())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Spawned {
    fn drop(&mut self) {
        let _ended_already = self.0.kill();
        let _reaped_already = self.0.wait();
    }
}

/// The databases that a process of its own is told of.
pub fn told() -> Option<Databases> {
    Some(Databases {
        database_url: std::env::var(URL).ok()?,
        read_database_url: None,
    })
}

/// Books and cancels for the same few nights, until it is enough; gives how often.
async fn book(client: Client, hotels: Vec<Uuid>, enough: Arc<AtomicBool>) -> u64 {
    let mut count = 0;
    while !enough.load(Ordering::Relaxed) {
        for hotel in &hotels {
            let from = 3 + count % 5;
            let booked = client.book(*hotel, from, from + 3).await.expect(201);
            if count % 3 == 0 {
                let cancel = format!("/api/reservations/{}/cancel", booked.id());
                client.order(&cancel).await.expect(200);
            }
            count += 1;
        }
    }
    count
}

async fn claimed(system: &System) -> i64 {
    let sql = "SELECT coalesce(sum(claim), 0)::bigint FROM claims";
    sqlx::query_scalar(sql)
        .fetch_one(&system.read)
        .await
        .unwrap()
}

async fn projected(system: &System) -> i64 {
    let sql = "SELECT sum(position)::bigint FROM watermarks WHERE projection = 'busy_nights'";
    sqlx::query_scalar(sql)
        .fetch_one(&system.read)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn projectors_that_are_killed_share_rows_and_lose_no_event() {
    let system = start().await;
    let hotelier = system.client(&[Hotelier]);
    let mut callers = Vec::new();
    let enough = Arc::new(AtomicBool::new(false));
    for _ in 0..4 {
        let hotels = hotels(&hotelier).await;
        let booking = book(hotelier.clone(), hotels, Arc::clone(&enough));
        callers.push(tokio::spawn(booking));
    }
    let mut projectors = Vec::new();
    for _ in 0..KILLS {
        // One more takes its share of the partitions, and some of it is projected.
        let before = claimed(&system).await;
        let test = "across::processes::a_projector";
        projectors.push(Spawned::start(&system, test));
        wait_for("a projector's share", LIMIT, || async {
            (claimed(&system).await > before).then_some(())
        })
        .await;
        let before = projected(&system).await;
        wait_for("events", LIMIT, || async {
            (projected(&system).await > before + 300).then_some(())
        })
        .await;
        if projectors.len() > 1 {
            drop(projectors.remove(0));
        }
    }
    enough.store(true, Ordering::Relaxed);
    let mut booked = 0;
    for caller in callers {
        booked += caller.await.unwrap();
    }
    println!("{booked} bookings");
    is_the_fold_of_the_log(&system).await;
    assert_eq!(deadlocks(&system.read).await, 0);
    drop(projectors);
}
