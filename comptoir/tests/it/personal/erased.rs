//! After an erasure: what is folded and projected, what is refused, and what stays.

use std::time::Duration;

use axum::extract::State;
use command_api::answer::Answer;
use command_api::execute::{Done, Target, execute};
use command_api::request::Order;
use comptoir::contexts::Contexts;
use domain::actor::Role::{Admin, Buyer};
use domain::identity::account::{Account, Beginning, Command, NewAccount};
use domain::identity::email::EmailAddress;
use event_store::personal::Erasure;
use event_store::{leaf_hash, read};
use projections::runtime::{self, Source};
use serde_json::{Value, json};
use service_kit::access::{Access, Routes, Whose};
use service_kit::extract::Path;
use service_kit::problem::Problem;
use sqlx::{Executor, Row};
use tokio_util::sync::CancellationToken;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{account, load, name, process, register};
use crate::support::{Client, System, idempotent, servers, wait_for};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_erased_is_null_wherever_it_is_folded() {
    let system = System::start(Contexts::all()).await;
    let admin = system.client(&[Admin]);
    let (id, _) = admin.user(&[Buyer]).await;
    let (other, _) = admin.user(&[Buyer]).await;
    let before = load(&system.log, id).await.unwrap();
    assert_eq!(system.log.erase(id).await.unwrap(), Erasure::Destroyed);
    assert_eq!(system.log.erase(id).await.unwrap(), Erasure::Before);

    // The state is that of the account with its personal data taken out, and nothing else.
    let after = load(&system.log, id).await.unwrap();
    let mut expected = before.clone();
    (expected.email.value, expected.name.value) = (None, None);
    assert_ne!(before, expected);
    assert_eq!(after, expected);
    assert!(name(&system.log, other).await.is_some());

    // So is the row, projected anew from either source, and the history.
    system.stop.cancel();
    for source in [Source::Log, system.kafka.source()] {
        let row = projected_anew(&system, source, id).await;
        assert_eq!((&row["email"], &row["name"]), (&Value::Null, &Value::Null));
        assert_eq!(
            (&row["active"], &row["roles"]),
            (&json!(true), &json!(["buyer"]))
        );
    }
    let history = read_api::history::of::<Account>(&system.queries, id).await;
    let history = serde_json::to_value(history.unwrap()).unwrap();
    assert_eq!(
        history["events"][0]["data"]["name"],
        json!({ "personal_of": id, "value": null })
    );

    // The log is as it was, to the byte.
    let hashes = sqlx::query("SELECT leaf_hash FROM events ORDER BY position");
    let hashes = hashes.fetch_all(system.log.pool()).await.unwrap();
    let events = read::after(system.log.pool(), 0, 1_000).await.unwrap();
    assert_eq!(events.len(), hashes.len());
    for (event, row) in events.iter().zip(hashes) {
        assert_eq!(
            leaf_hash(event).to_vec(),
            row.get::<Vec<u8>, _>("leaf_hash")
        );
    }
}

async fn projected_anew(system: &System, source: Source, id: Uuid) -> Value {
    let empty = "TRUNCATE accounts; DELETE FROM watermarks WHERE projection = 'accounts'";
    system.read.execute(empty).await.unwrap();
    let stop = CancellationToken::new();
    let (log, read) = (system.log.clone(), system.read.clone());
    let run = runtime::run(log, read, projections::all(), source, stop.clone());
    let running = tokio::spawn(run);
    let row = wait_for("the account", LIMIT, || async {
        let row = sqlx::query_scalar("SELECT to_jsonb(accounts) FROM accounts WHERE id = $1");
        row.bind(id).fetch_optional(&system.read).await.unwrap()
    })
    .await;
    stop.cancel();
    running.await.unwrap().unwrap();
    row
}

/// A process that has key and state in memory, and uses them all the time, forgets them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_forgets_within_a_minute() {
    let url = servers().database().await.database_url;
    let (one, other) = (process(&url).await, process(&url).await);
    let id = Uuid::now_v7();
    register(&one, id, id).await.unwrap();
    assert!(name(&other, id).await.is_some());
    one.erase(id).await.unwrap();
    assert_eq!(name(&one, id).await, None, "at once where it was erased");
    wait_for(
        "the other process to forget",
        Duration::from_secs(60),
        || async { name(&other, id).await.is_none().then_some(()) },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_persons_answers_are_forgotten_with_the_key() {
    let system = System::start(Contexts::all()).await;
    let admin = system.client(&[Admin]);
    let (id, _) = admin.user(&[Buyer]).await;
    let hotel = system
        .client(&[domain::actor::Role::Hotelier])
        .hotel(3)
        .await;
    let person = system.client_of(id, &[Buyer]);
    let path = format!("/api/hotels/{hotel}/reservations");
    for client in [&person, &admin] {
        let body = Client::booking_body(1, 2);
        client
            .post_with(&path, &[idempotent()], body)
            .await
            .expect(201);
    }
    let scopes = || async {
        let scopes = sqlx::query_scalar("SELECT scope FROM idempotency");
        let scopes: Vec<Uuid> = scopes.fetch_all(system.log.pool()).await.unwrap();
        scopes
    };
    assert!(scopes().await.contains(&id));
    system.log.erase(id).await.unwrap();
    assert_eq!(scopes().await, [admin.account]);
}

/// A command about an erased person is refused by name, and is no fault.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_about_an_erased_person_is_409() {
    let mut contexts = Contexts::all();
    contexts.commands.push(|routes: Routes<command_api::App>| {
        routes.allow(Access::SignedIn, Whose::Platform, routes!(sign_up))
    });
    let system = System::start(contexts).await;
    let client = system.client(&[Buyer]);
    let id = Uuid::now_v7();
    assert_eq!(system.log.erase(id).await.unwrap(), Erasure::NoKey);
    let path = format!("/api/sign-up/{id}");
    let headers = [idempotent()];
    for _ in 0..2 {
        let refused = client
            .send(reqwest::Method::POST, &path, &headers, None)
            .await;
        let refused = refused.problem(409, "person-erased");
        assert!(
            refused.body["detail"]
                .as_str()
                .unwrap()
                .contains(&id.to_string())
        );
    }
    client
        .order(&format!("/api/sign-up/{}", Uuid::now_v7()))
        .await
        .expect(200);
}

/// Registers an account under an id that the caller gives.
#[utoipa::path(post, path = "/api/sign-up/{id}", tag = "toys", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done)))]
async fn sign_up(
    State(app): State<command_api::App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    execute(
        &app,
        envelope,
        Target::existing(account(id)),
        move |streams| {
            let register = Command::Register(NewAccount {
                id,
                email: EmailAddress::parse("somebody@example.com").unwrap(),
                name: "Somebody".to_owned(),
                roles: [Buyer].into(),
                credential_id: Uuid::nil(),
                beginning: Beginning::Active,
            });
            streams.decide::<Account>(id, register)
        },
    )
    .await
}
