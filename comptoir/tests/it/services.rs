//! One reservation through every process: each service alone, as a deployment runs them.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::support::{ADMIN_EMAIL, ADMIN_PASSWORD, Client, personal, servers, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

/// What every service is told.
struct Deployment {
    database_url: String,
    topic_prefix: String,
    log: std::path::PathBuf,
}

/// A service in a process of its own, and its port.
struct Service {
    child: Child,
    client: Client,
}

impl Deployment {
    fn command(&self, subcommand: &str, port: u16) -> Child {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        Command::new(env!("CARGO_BIN_EXE_comptoir"))
            .arg(subcommand)
            .env("DATABASE_URL", &self.database_url)
            .env("KAFKA_BROKERS", servers().kafka.brokers())
            .env("COMPTOIR_TOPIC_PREFIX", &self.topic_prefix)
            .env("COMPTOIR_MASTER_KEY", "m".repeat(32))
            .env("COMPTOIR_PERSONAL_KEYS", personal().personal_keys)
            .env("COMPTOIR_TOKEN_KEY", "t".repeat(32))
            .env("COMPTOIR_ADMIN_EMAIL", ADMIN_EMAIL)
            .env("COMPTOIR_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .env("COMPTOIR_LISTEN", format!("127.0.0.1:{port}"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Starts a service and waits until it is ready.
    async fn start(&self, subcommand: &str) -> Service {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let child = self.command(subcommand, port);
        let url = format!("http://127.0.0.1:{port}");
        wait_for(subcommand, LIMIT, || async {
            let ready = reqwest::get(format!("{url}/readyz")).await.ok()?;
            ready.status().is_success().then_some(())
        })
        .await;
        let client = Client::new(url);
        Service { child, client }
    }
}

impl Service {
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reservation_passes_through_every_process_though_they_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let deployment = Deployment {
        database_url: servers().database().await.database_url,
        topic_prefix: format!("t{}", Uuid::new_v4().simple()),
        log: folder.path().join("log"),
    };
    assert!(deployment.command("migrate", 0).wait().unwrap().success());
    let commands = deployment.start("command-api").await;
    let queries = deployment.start("read-api").await;
    let mut relay = deployment.start("relay").await;
    let mut projector = deployment.start("projector").await;

    let login = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    let signed_in = commands
        .client
        .post("/api/auth/login", login)
        .await
        .expect(200);
    let token = signed_in.body["access_token"].as_str().unwrap().to_owned();
    let writer = commands
        .client
        .clone()
        .with_token(Uuid::nil(), token.clone());
    let reader = queries.client.clone().with_token(Uuid::nil(), token);
    // What is the other API's is not here.
    writer
        .get("/api/hotels")
        .await
        .problem(405, "method-not-allowed");
    reader
        .post("/api/hotels", json!({}))
        .await
        .problem(405, "method-not-allowed");

    let hotel = writer.hotel(40).await;
    for round in 0..3 {
        relay.kill();
        projector.kill();
        let mut last = writer.book(hotel, 5, 6).await.expect(201);
        for _ in 0..5 {
            last = writer.book(hotel, 5, 6).await.expect(201);
        }
        relay = deployment.start("relay").await;
        projector = deployment.start("projector").await;
        let path = format!("/api/reservations/{}", last.id());
        wait_for("the booking", LIMIT, || async {
            let shown = reader.get_after(&last, &path).await;
            (shown.status == 200).then_some(())
        })
        .await;
        assert_eq!(reader.reserved(&last, hotel, 5).await, 6 * (round + 1));
    }
    let stranger = commands.client.clone();
    stranger
        .post("/api/hotels", json!({}))
        .await
        .problem(401, "unauthorized");
}
