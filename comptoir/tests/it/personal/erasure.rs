//! An erasure from end to end: nothing of the person can be read any more, and all else stays true.

use std::time::Duration;

use comptoir::contexts::Contexts;
use domain::actor::Role::{Admin, Buyer, Seller};
use event_store::{leaf_hash, read};
use projections::rebuild::{Databases, Options, Progress, rebuild};
use reqwest::Method;
use serde_json::{Value, json};
use service_kit::derived_token::Purpose;
use sqlx::PgPool;
use uuid::Uuid;

use super::sealed::{everything_in, messages, pool_of_one};
use crate::support::{Client, System, idempotent, wait_for};

const LIMIT: Duration = Duration::from_secs(60);
const FIRST: &str = "unmistakable first password";
const SECOND: &str = "unmistakable second password";
/// In everything that is told of the person.
const MARK: &str = "unmistakable";

/// What there is in clear of the person: the marks found in databases, and the mail.
async fn left(system: &System, log: &PgPool, read: &PgPool, person: Uuid) -> Vec<String> {
    let mut all = everything_in(log, "log").await;
    all.push_str(&everything_in(read, "read").await);
    let all = all.to_lowercase();
    let hex: String = MARK.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut left = Vec::new();
    for mark in [MARK, &hex] {
        let around = |(at, _): (usize, &str)| {
            let from = all.floor_char_boundary(at.saturating_sub(150));
            all[from..all.ceil_char_boundary(at + 50)].to_owned()
        };
        left.extend(all.match_indices(mark).map(around));
    }
    if system.mail.join(person.to_string()).exists() {
        left.push("mail".to_owned());
    }
    left
}

/// Somebody who registered as a seller, was let in, and told everything there is to tell.
async fn lives(system: &System, admin: &Client) -> (Uuid, Client) {
    let stranger = system.stranger();
    let post = async |client: &Client, path: &str, body: Value| {
        let answer = client.post_with(path, &[idempotent()], body).await;
        assert!(answer.status.is_success(), "{path} {answer:?}");
        answer
    };
    let email = format!("{MARK}.{}@example.com", Uuid::new_v4());
    let body = json!({
        "email": email, "password": FIRST, "name": format!("{MARK} Awa"), "role": "seller",
        "message": format!("{MARK} pots"),
    });
    let made = post(&stranger, "/api/auth/register", body).await;
    let id = made.id();
    let path = "/api/admin/seller-requests?page_size=100&ordering=-requested_at";
    let listed = admin.get_after(&made, path).await.expect(200).body;
    let mut rows = listed["results"].as_array().unwrap().iter();
    let row = rows.find(|row| row["account_id"] == json!(id)).unwrap();
    let request = row["id"].as_str().unwrap();
    let approve = format!("/api/admin/seller-requests/{request}/approve");
    admin.order(&approve).await.expect(200);
    let body = json!({ "roles": [Buyer, Seller] });
    post(admin, &format!("/api/admin/users/{id}/roles"), body).await;

    post(
        &stranger,
        "/api/auth/forgot-password",
        json!({ "email": email }),
    )
    .await;
    let token = system.link(Purpose::ResetPassword, id).await;
    let body = json!({ "token": token, "password": SECOND });
    post(&stranger, "/api/auth/reset-password", body).await;
    let body = json!({ "email": email, "password": SECOND });
    let agent = [("user-agent", format!("{MARK} browser"))];
    let signed_in = stranger.post_with("/api/auth/login", &agent, body).await;
    let signed_in = signed_in.expect(200);
    let token = signed_in.body["access_token"].as_str().unwrap().to_owned();
    let owner = system.stranger().with_token(id, token);
    let told = |what: &str| format!("{MARK} {what}");
    let profile = json!({
        "first_name": told("Awa"), "last_name": told("Ndiaye"), "phone": told("33"),
        "address": told("street"), "gender": told("f"), "bio": told("life"),
    });
    let done = owner.put("/api/auth/me", profile).await.expect(200);
    let me = owner.get_after(&done, "/api/auth/me").await.expect(200);
    assert_eq!(me.body["bio"], told("life"));
    (id, owner)
}

/// Rebuilds every table, none of which differs from the log; the ones before are kept.
async fn all_rebuilt(system: &System) {
    let databases = Databases {
        log: system.log.pool().clone(),
        read: system.read.clone(),
        keyring: system.log.keyring().clone(),
    };
    let options = Options {
        workers: 2,
        accept: false,
    };
    for projection in projections::all() {
        let (progress, _) = Progress::channel();
        let outcome = rebuild(&databases, &projection, options, progress).await;
        let outcome = outcome.unwrap();
        let (name, differences) = (projection.name, outcome.differences);
        assert!(outcome.swapped, "{name} {differences:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_the_person_is_left_and_all_else_stays_true() {
    let system = System::start(Contexts::all()).await;
    let admin = system.client(&[Admin]);
    let (id, owner) = lives(&system, &admin).await;
    let hotel = admin.hotel(3).await;
    owner.book(hotel, 3, 5).await.expect(201);
    // A table that is kept to go back to.
    all_rebuilt(&system).await;
    let log = pool_of_one(&system).await;
    let read = event_store::database::pool(system.databases.read_url(), "read", 1).unwrap();
    let mail = system.mail.join(id.to_string());
    wait_for("the mail", LIMIT, async || mail.exists().then_some(())).await;
    let before = left(&system, &log, &read, id).await;
    assert!(before.len() > 20, "{before:?}");

    let body = json!({ "password": SECOND });
    let path = "/api/auth/me/erasure";
    let erased = owner.post_with(path, &[idempotent()], body).await;
    let erased = erased.expect(200);
    wait_for("nothing to be left", LIMIT, async || {
        left(&system, &log, &read, id)
            .await
            .is_empty()
            .then_some(())
    })
    .await;
    let sent = tokio::task::block_in_place(|| messages(&system, id));
    assert!(!sent.to_lowercase().contains(MARK), "in Kafka");

    // What the account did, and what it costs, stays; and every event is what it was.
    let path = format!("/api/reservations?hotel_id={hotel}");
    let booked = admin.get_after(&erased, &path).await.expect(200).body;
    assert_eq!(booked["count"], 1);
    assert_eq!(booked["results"][0]["total"]["amount"], 20_000);
    let leaves = "SELECT position, leaf_hash FROM events ORDER BY position";
    let leaves: Vec<(i64, Vec<u8>)> = sqlx::query_as(leaves).fetch_all(&log).await.unwrap();
    let events = read::after(&log, 0, 10_000).await.unwrap();
    assert_eq!(events.len(), leaves.len());
    for (event, (position, leaf)) in events.iter().zip(leaves) {
        assert_eq!(event.position, position);
        assert_eq!(leaf_hash(event).as_slice(), leaf, "{position}");
    }
    // A table that is folded from the log is the one that was emptied.
    all_rebuilt(&system).await;
    let again = left(&system, &log, &read, id).await;
    assert!(again.is_empty(), "{again:?}");
    // What is asked for with a token that is still good tells nothing.
    let me = owner
        .send(Method::GET, "/api/auth/me", &[], None)
        .await
        .expect(200);
    assert_eq!(
        (&me.body["email"], &me.body["bio"]),
        (&Value::Null, &Value::Null)
    );
    system.stop.cancel();
}
