//! A log that was restored from an older backup, a copy of its server's folder: every service
//! refuses it and says what to do, and after a new epoch all goes on.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use chrono::{DateTime, Utc};
use comptoir::embedded::Lifetime;
use comptoir::embedded::postgres::Postgres;
use comptoir::settings::Databases;
use event_store::append::{Append, Metadata, StreamAppend};
use event_store::{Log, Options, database};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{
    ADMIN_EMAIL, ADMIN_PASSWORD, Answer, Client, Deployment, Service, open_folder, servers,
    wait_for,
};

const LIMIT: Duration = Duration::from_secs(60);
const OLDER: &str = "it was restored from a backup older than that";
const WAY_OUT: &str = "`comptoir log new-epoch --clear-read` (docs/operations/restore.md)";

/// The server of the log, which is stopped to be copied.
struct LogServer {
    home: PathBuf,
    postgres: Postgres,
}

impl LogServer {
    async fn start(home: PathBuf) -> Self {
        let postgres = Postgres::start(&home, Lifetime::Tied).await.unwrap();
        Self { home, postgres }
    }

    async fn backed_up(self) -> Self {
        self.postgres.stop().await.unwrap();
        copy(&self.home.join("data"), &self.home.join("backup"));
        Self::start(self.home).await
    }

    async fn restored(self) -> Self {
        self.postgres.stop().await.unwrap();
        std::fs::remove_dir_all(self.home.join("data")).unwrap();
        copy(&self.home.join("backup"), &self.home.join("data"));
        Self::start(self.home).await
    }
}

fn copy(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg("-a").arg(from).arg(to).status();
    assert!(copied.unwrap().success());
}

/// Every service, alone in its process; gone when this is dropped.
struct Services {
    commands: Service,
    writer: Client,
    reader: Client,
    others: [Service; 3],
}

impl Services {
    async fn start(deployment: &Deployment) -> Self {
        let commands = deployment.start("command-api").await;
        let relay = deployment.start("relay").await;
        let projector = deployment.start("projector").await;
        let queries = deployment.start("read-api").await;
        let login = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
        let login = commands.client.post("/api/auth/login", login).await;
        let token = login.expect(200).body["access_token"].clone();
        let signed_in = |client: &Client| {
            let token = token.as_str().unwrap().to_owned();
            client.clone().with_token(Uuid::nil(), token)
        };
        Self {
            writer: signed_in(&commands.client),
            reader: signed_in(&queries.client),
            commands,
            others: [queries, relay, projector],
        }
    }

    /// Books a room, and sees it.
    async fn book(&self, hotel: Uuid) -> Answer {
        let booked = self.writer.book(hotel, 5, 6).await.expect(201);
        let path = format!("/api/reservations/{}", booked.id());
        wait_for("the booking", LIMIT, || async {
            let shown = self.reader.get_after(&booked, &path).await;
            (shown.status == 200).then_some(())
        })
        .await;
        booked
    }
}

/// The services of `deployment` end by themselves, with a sentence that says `why`.
async fn refused(deployment: &Deployment, services: &[&str], why: &str) {
    let each = services.iter().map(|subcommand| async move {
        let log = deployment.log.with_extension(Uuid::new_v4().to_string());
        let deployment = Deployment {
            log,
            ..deployment.clone()
        };
        let status = deployment.run(&[subcommand]).await;
        let printed = deployment.printed();
        assert!(!status.success(), "{subcommand} went on: {printed}");
        assert!(printed.contains(why), "{subcommand}: {printed}");
        assert!(printed.contains(WAY_OUT), "{subcommand}: {printed}");
    });
    futures::future::join_all(each).await;
}

/// The log goes another way than it went before it was restored: past `head`.
async fn written_to(url: &str, head: i64) {
    use domain::identity::email::{EmailClaim, Event};
    use domain::streams::{DecidedEvent, StreamId, stored_json};
    let options = Options {
        contexts: domain::CONTEXTS.to_vec(),
        partitions: 6,
        keyring: event_store::personal::Keyring::none(),
    };
    let pool = database::pool(url, "log", 2).unwrap();
    let log = Log::open(pool, &options, CancellationToken::new());
    let log = log.await.unwrap();
    let id = Uuid::now_v7();
    let event = DecidedEvent {
        event_type: "EmailClaimed",
        event_version: 1,
        payload: stored_json(&Event::EmailClaimed { account_id: id }),
    };
    let append = Append {
        streams: vec![StreamAppend {
            stream: StreamId::of::<EmailClaim>(id),
            expected_version: 0,
            events: vec![event; 20],
        }],
        metadata: Metadata::default(),
        occurred_at: None,
        idempotency: None,
    };
    log.append(append).await.unwrap();
    assert!(log.head().await.unwrap() >= head);
}

/// Waits until a service that runs has looked at the log since `time`.
async fn looked_at(url: &str, time: DateTime<Utc>) {
    let pool = database::pool(url, "log", 1).unwrap();
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'comptoir' \
         AND query LIKE '%FROM events WHERE position = ANY%' AND query_start > $1 AND pid <> pg_backend_pid()";
    wait_for("a look at the log", LIMIT, || async {
        let looks: i64 = sqlx::query_scalar(sql)
            .bind(time)
            .fetch_one(&pool)
            .await
            .unwrap();
        (looks > 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_backup_is_refused_by_every_service_until_a_new_epoch() {
    let folder = open_folder();
    let server = LogServer::start(folder.path().join("postgres")).await;
    let databases = Databases {
        database_url: server.postgres.url().to_owned(),
        read_database_url: Some(servers().database().await.database_url),
    };
    let url = databases.database_url.clone();
    let kafka = Deployment::new(databases, folder.path().join("printed"));
    let no_kafka = Deployment {
        brokers: None,
        ..kafka.clone()
    };
    assert!(kafka.run(&["migrate"]).await.success());
    let services = Services::start(&kafka).await;
    let hotel = services.writer.hotel(40).await;
    let kept = services.book(hotel).await;
    drop(services);
    let server = server.backed_up().await;

    let services = Services::start(&kafka).await;
    let lost = services.book(hotel).await;
    let last = services.book(hotel).await;
    let head: i64 = {
        let pool = database::pool(&url, "log", 1).unwrap();
        let sql = "SELECT position FROM head";
        sqlx::query_scalar(sql).fetch_one(&pool).await.unwrap()
    };
    let Services {
        mut commands,
        others,
        ..
    } = services;
    drop(others);
    // Its first look after this moment may have been at an older end; the second is not.
    for _ in 0..2 {
        looked_at(&url, Utc::now()).await;
    }
    let _server = server.restored().await;

    // A service that ran on notices.
    assert!(!commands.ended().await.success());
    assert!(kafka.printed().contains("this service has seen position"));
    assert!(kafka.printed().contains(OLDER));
    // So do those that are started: by the read tables, or by Kafka.
    let all = ["relay", "projector", "command-api", "read-api"];
    refused(&kafka, &all, OLDER).await;
    refused(&no_kafka, &all[1..], OLDER).await;
    // Kafka alone knows when the read tables lie beside the log and were restored with it.
    let mut together = kafka.clone();
    together.databases.read_database_url = None;
    assert!(together.run(&["migrate"]).await.success());
    refused(&together, &all, "Kafka's topic").await;
    // The head alone would say nothing once the log was written to again.
    written_to(&url, head).await;
    let another = "has seen another event at position";
    refused(&kafka, &all, another).await;
    refused(&no_kafka, &all[1..], another).await;
    refused(&together, &all, another).await;

    let accepted = kafka.run(&["log", "new-epoch", "--clear-read"]).await;
    assert!(accepted.success(), "{}", kafka.printed());
    let services = Services::start(&kafka).await;
    let new = services.book(hotel).await;
    let path = |answer: &Answer| format!("/api/reservations/{}", answer.id());
    let reader = &services.reader;
    reader.get_after(&new, &path(&kept)).await.expect(200);
    for lost in [&lost, &last] {
        let shown = reader.get_after(&new, &path(lost)).await;
        shown.problem(404, "reservation-unknown");
        let old_token = reader.get_after(lost, &path(&kept)).await;
        old_token.problem(400, "malformed");
    }
    assert_eq!(reader.reserved(&new, hotel, 5).await, 2);
}
