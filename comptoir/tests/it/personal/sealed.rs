//! What is stored and sent, and what those see who may read it.

use std::time::Duration;

use comptoir::contexts::Contexts;
use domain::actor::Role::Admin;
use domain::identity::account::Account;
use event_store::message::topic;
use event_store::personal::Keyring;
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use serde_json::json;
use sqlx::{Executor, PgPool};
use uuid::Uuid;

use super::{NAME, account, load, name, open, pool, process, register};
use crate::shop::old_rows;
use crate::support::{System, idempotent, servers, wait_for};

const LIMIT: Duration = Duration::from_secs(30);
const EMAIL: &str = "awa.unmistakable@example.com";

/// Every row of every table of the log, as text; bytes as text too.
async fn everything(log: &PgPool) -> String {
    everything_in(log, "log").await
}

/// The same of the schemas whose names begin so.
pub(super) async fn everything_in(pool: &PgPool, schemas: &str) -> String {
    let tables = "SELECT table_schema || '.' || table_name FROM information_schema.tables \
         WHERE starts_with(table_schema, $1) AND table_type = 'BASE TABLE'";
    let tables = sqlx::query_scalar(tables).bind(schemas);
    let tables: Vec<String> = tables.fetch_all(pool).await.unwrap();
    assert!(tables.len() >= 8, "{tables:?}");
    pool.execute("SET bytea_output = 'escape'").await.unwrap();
    let mut all = String::new();
    for table in tables {
        let rows = format!("SELECT t::text FROM {table} AS t");
        let rows: Vec<String> = sqlx::query_scalar(&rows).fetch_all(pool).await.unwrap();
        all.extend(rows);
    }
    all
}

/// Every byte of every message of identity, up to that of the stream `last`.
pub(super) fn messages(system: &System, last: Uuid) -> String {
    let consumer: BaseConsumer = ClientConfig::new()
        .set(
            "bootstrap.servers",
            system.kafka.kafka_brokers.as_ref().unwrap(),
        )
        .set("group.id", Uuid::new_v4().to_string())
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    let topic = topic(&system.kafka.topic_prefix, "identity", 1);
    consumer.subscribe(&[&topic]).unwrap();
    let deadline = std::time::Instant::now() + LIMIT;
    let mut all = String::new();
    while !all.contains(&format!("key {last}")) {
        assert!(
            std::time::Instant::now() < deadline,
            "the message never came"
        );
        let Some(message) = consumer.poll(Duration::from_millis(100)) else {
            continue;
        };
        let message = message.unwrap();
        all.push_str(&String::from_utf8_lossy(message.payload().unwrap()));
        for header in message.headers().unwrap().iter() {
            all.push_str(&String::from_utf8_lossy(header.value.unwrap()));
        }
        let key = String::from_utf8_lossy(message.key().unwrap()).into_owned();
        all.push_str(&format!("key {key}"));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_is_stored_or_sent_in_clear_and_readers_see_it() {
    let system = System::start(Contexts::all()).await;
    let admin = system.client(&[Admin]);
    let body = json!({
        "email": EMAIL, "password": "a long password", "name": NAME, "roles": ["buyer"],
    });
    let made = admin
        .post_with("/api/admin/users", &[idempotent()], body)
        .await
        .expect(201);
    let id = made.id();
    let shown = admin
        .get_after(&made, &format!("/api/admin/users/{id}"))
        .await;
    let shown = shown.expect(200).body;
    assert_eq!(
        (&shown["name"], &shown["email"]),
        (&json!(NAME), &json!(EMAIL))
    );

    let loaded = load(&system.log, id).await.unwrap();
    assert_eq!(loaded.name.value.as_deref(), Some(NAME));
    assert_eq!(loaded.email.value.unwrap().as_str(), EMAIL);
    let history = read_api::history::of::<Account>(&system.queries, id)
        .await
        .unwrap();
    let history = serde_json::to_value(history).unwrap();
    assert_eq!(history["events"][0]["data"]["name"]["value"], NAME);

    let stored = everything(&pool_of_one(&system).await).await;
    let sent = tokio::task::block_in_place(|| messages(&system, id));
    for (what, text) in [("stored", stored), ("sent", sent)] {
        let text = text.to_lowercase();
        assert!(text.contains("\"sealed\""), "{what}");
        for clear in [NAME, EMAIL, "unmistakable"] {
            let hex: String = clear.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!text.contains(&clear.to_lowercase()), "{what}: {clear}");
            assert!(!text.contains(&hex), "{what}: {clear}");
        }
    }
}

/// One connection alone, so that its settings hold.
pub(super) async fn pool_of_one(system: &System) -> PgPool {
    let options = system.log.pool().connect_options().as_ref().clone();
    sqlx::postgres::PgPoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .unwrap()
}

/// What earlier versions have stored in clear is read as it is, by a process without keys too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_stored_in_clear_stays_readable() {
    let system = System::start(Contexts::all()).await;
    let id = Uuid::now_v7();
    let clear = |value: &str| json!({ "personal_of": id, "value": value });
    let payload = json!({
        "type": "AccountRegistered", "email": clear(EMAIL), "name": clear(NAME),
        "roles": ["buyer"], "credential_id": Uuid::nil(), "active": true,
    });
    let payload = payload.to_string();
    old_rows::insert(&system.log, account(id), &[("AccountRegistered", &payload)]).await;
    assert_eq!(name(&system.log, id).await.as_deref(), Some(NAME));
    let without = open(system.log.pool().clone(), Keyring::none()).await;
    assert_eq!(name(&without, id).await.as_deref(), Some(NAME));
    let admin = system.client(&[Admin]);
    let path = format!("/api/admin/users/{id}");
    let shown = wait_for("the account", LIMIT, || async {
        let shown = admin.get(&path).await;
        (shown.status == 200).then_some(shown.body)
    })
    .await;
    assert_eq!(shown["name"], NAME);
}

/// A ciphertext that was put into another stream, or changed, is an error and never null.
#[tokio::test]
async fn a_ciphertext_that_was_moved_is_an_error() {
    let url = servers().database().await.database_url;
    let log = process(&url).await;
    let (mine, theirs) = (Uuid::now_v7(), Uuid::now_v7());
    register(&log, mine, mine).await.unwrap();
    register(&log, theirs, theirs).await.unwrap();
    sqlx::query(
        "UPDATE events SET payload = \
         (SELECT payload FROM events WHERE aggregate_id = $1) WHERE aggregate_id = $2",
    )
    .bind(mine)
    .bind(theirs)
    .execute(log.pool())
    .await
    .unwrap();
    let fresh = process(&url).await;
    assert_eq!(name(&fresh, mine).await.as_deref(), Some(NAME));
    let error = load(&fresh, theirs).await.unwrap_err().to_string();
    assert!(
        error.contains("was changed, or moved there from elsewhere"),
        "{error}"
    );
    assert!(!error.contains("Awa"), "{error}");
}

/// A process that was given no keys says so, and stores nothing.
#[tokio::test]
async fn a_process_without_keys_stores_and_shows_nothing_personal() {
    let url = servers().database().await.database_url;
    let (with, without) = (process(&url).await, open(pool(&url), Keyring::none()).await);
    let id = Uuid::now_v7();
    let refused = register(&without, id, id).await.unwrap_err().to_string();
    assert!(
        refused.contains("has no COMPTOIR_PERSONAL_KEYS"),
        "{refused}"
    );
    register(&with, id, id).await.unwrap();
    let closed = load(&without, id).await.unwrap_err().to_string();
    assert!(closed.contains("has no COMPTOIR_PERSONAL_KEYS"), "{closed}");
}
