//! `GET /api/audit/export`

use std::time::Duration;

use comptoir::contexts::Contexts;
use comptoir::settings::Kafka;
use domain::actor::Role::{Admin, Buyer};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use sqlx::PgPool;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use uuid::Uuid;

use super::{export_all, fill, lines};
use crate::support::{System, servers, shared, wait_for};

/// A client is left after 30 seconds.
const LIMIT: Duration = Duration::from_secs(90);
/// Far more than sockets hold.
const MANY: i64 = 20_000;

fn bearer(system: &System) -> String {
    let actor = domain::actor::Actor {
        account: Uuid::now_v7(),
        roles: vec![Admin],
    };
    format!(
        "Bearer {}",
        system.tokens.issue(&actor, chrono::Utc::now()).unwrap()
    )
}

async fn get(system: &System, query: &str) -> reqwest::Response {
    let url = format!("http://{}/api/audit/export{query}", system.address);
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(url).header(AUTHORIZATION, bearer(system));
    request.send().await.unwrap()
}

/// Connections that read the log with its leaf hashes.
async fn readers(log: &PgPool) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND query LIKE 'SELECT position, event_id, %, leaf_hash FROM events %'";
    sqlx::query_scalar(sql).fetch_one(log).await.unwrap()
}

/// Nobody reads any more.
async fn gone(system: &System) {
    wait_for("the end of the reader", LIMIT, || async {
        (readers(system.log.pool()).await == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_gets_the_lines_of_an_export() {
    let databases = servers().database().await;
    let url = databases.database_url.clone();
    fill(&url, MANY, 2_000).await;
    let folder = tempfile::tempdir().unwrap();
    let manifest = export_all(&url, folder.path(), MANY).await;
    let expected = lines(folder.path(), &manifest)[&manifest.files[0].name].clone();
    let kafka = Kafka {
        kafka_brokers: None,
        topic_prefix: "none".to_owned(),
        replication: 1,
    };
    let system = System::on(Contexts::all(), databases, kafka).await;

    let answer = get(&system, &format!("?to={MANY}")).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()[CONTENT_TYPE], "application/x-ndjson");
    let text = answer.text().await.unwrap();
    assert!(text.lines().eq(expected.iter()));
    let some = get(&system, "?from=3&to=5&context=hotels,identity").await;
    let some = some.text().await.unwrap();
    assert!(some.lines().eq(&expected[2..5]));
    let none = get(&system, "?context=hotels").await;
    assert_eq!(
        (none.status().as_u16(), &*none.text().await.unwrap()),
        (200, "")
    );

    // Who goes leaves nothing behind.
    gone(&system).await;
    let mut left = get(&system, "").await;
    assert!(left.chunk().await.unwrap().is_some());
    assert_eq!(readers(system.log.pool()).await, 1);
    drop(left);
    gone(&system).await;
    // Who stays and takes nothing is left.
    let mut client = TcpStream::connect(system.address).await.unwrap();
    let bearer = bearer(&system);
    let request = format!(
        "GET /api/audit/export HTTP/1.1\r\nHost: comptoir\r\nAuthorization: {bearer}\r\n\r\n"
    );
    client.write_all(request.as_bytes()).await.unwrap();
    wait_for("the reader", LIMIT, || async {
        (readers(system.log.pool()).await == 1).then_some(())
    })
    .await;
    gone(&system).await;
    drop(client);
    system.stop.cancel();
}

#[tokio::test]
async fn what_is_no_range_or_context_is_400_and_others_are_403() {
    let admin = shared().client(&[Admin]);
    for query in [
        "from=0",
        "to=yesterday",
        "from=",
        "context=nothing",
        "context=",
    ] {
        let refused = admin.get(&format!("/api/audit/export?{query}")).await;
        refused.problem(400, "malformed");
    }
    let unknown = admin.get("/api/audit/export?since=1").await;
    unknown.problem(400, "unknown-parameter");
    let other = shared().client(&[Buyer]).get("/api/audit/export").await;
    other.problem(403, "forbidden");
}
