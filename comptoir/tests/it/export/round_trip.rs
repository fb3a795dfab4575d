//! A whole system, exported and imported into a new one, which goes on.

use std::time::Duration;

use audit::verify::verify;
use comptoir::contexts::Contexts;
use domain::actor::Role::{Admin, Buyer, Hotelier};
use serde_json::{Value, json};
use service_kit::derived_token::Purpose;
use sqlx::PgPool;
use uuid::Uuid;

use super::{commands, export_all, pool, rows};
use crate::audit::{signed, trusted};
use crate::runtime::{caught_up, history, tables};
use crate::support::{System, servers, wait_for};

const LIMIT: Duration = Duration::from_secs(60);
const PASSWORD: &str = "a long password";

/// The persons' keys, as a backup has them.
async fn keys(log: &PgPool) -> Vec<Value> {
    let sql = "SELECT to_jsonb(person_keys) FROM person_keys";
    sqlx::query_scalar(sql).fetch_all(log).await.unwrap()
}

async fn restore(log: &PgPool, keys: &[Value]) {
    let sql = "INSERT INTO person_keys SELECT (jsonb_populate_record(NULL::person_keys, key)).* \
         FROM unnest($1::jsonb[]) AS key";
    sqlx::query(sql).bind(keys).execute(log).await.unwrap();
}

async fn sign_in(system: &System, email: &str, password: &str) -> crate::support::Answer {
    let body = json!({ "email": email, "password": password });
    system.stranger().post("/api/auth/login", body).await
}

/// Has the account erased by its owner, and waits until its key is destroyed.
async fn erase(system: &System, id: Uuid, email: &str) {
    let signed_in = sign_in(system, email, PASSWORD).await.expect(200);
    let token = signed_in.body["access_token"].as_str().unwrap().to_owned();
    let owner = system.stranger().with_token(id, token);
    let body = json!({ "password": PASSWORD });
    owner.post("/api/auth/me/erasure", body).await.expect(200);
    wait_for("the end of the key", LIMIT, || async {
        is_destroyed(system.log.pool(), id).await.then_some(())
    })
    .await;
}

async fn is_destroyed(log: &PgPool, person: Uuid) -> bool {
    let sql = "SELECT EXISTS (SELECT FROM person_keys WHERE person = $1 AND wrapped IS NULL)";
    let query = sqlx::query_scalar(sql).bind(person);
    query.fetch_one(log).await.unwrap()
}

async fn head(log: &PgPool) -> i64 {
    event_store::head(log).await.unwrap().1
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_imported_is_what_was_exported_and_goes_on() {
    let one = System::start(Contexts::all()).await;
    let admin = one.client(&[Admin]);
    let (kept, email) = admin.user(&[Buyer]).await;
    let (erased, gone) = admin.user(&[Buyer]).await;
    let old_keys = keys(one.log.pool()).await;
    signed(one.log.pool()).await;
    erase(&one, erased, &gone).await;
    history(&one).await;
    let hotel = one.client(&[Hotelier]).hotel(4).await;
    wait_for("the hotel", LIMIT, || async {
        caught_up(&one.log, &one.read).await;
        let shown = one.stranger().get(&format!("/api/hotels/{hotel}")).await;
        (shown.status == 200).then_some(())
    })
    .await;
    one.stop.cancel();
    let signed_size = signed(one.log.pool()).await;
    // The erasure has altered nothing that was signed before.
    holds(one.log.pool()).await;
    let url = one.databases.database_url.clone();
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    let manifest = export_all(&url, &export, 20).await;
    assert!(
        manifest.complete && manifest.files.len() > 2,
        "{manifest:?}"
    );
    assert_eq!(manifest.last, head(one.log.pool()).await);
    assert_eq!(
        (manifest.checkpoints.len(), signed_size),
        (2, manifest.last.unsigned_abs())
    );

    let databases = servers().database().await;
    let other = pool(&databases.database_url);
    // A backup of the keys that is older than the erasure.
    restore(&other, &old_keys).await;
    let commands = commands(&databases.database_url, &folder.path().join("printed"));
    let path = export.display().to_string();
    let imported = commands.run(&["audit", "import", &path, "--json"]).await;
    assert!(imported.success(), "{}", commands.printed());
    assert_eq!(rows(&databases.database_url).await, rows(&url).await);
    assert_eq!(
        event_store::head(&other).await.unwrap(),
        event_store::head(one.log.pool()).await.unwrap()
    );
    let topics = "SELECT topics::text FROM topics ORDER BY context";
    let topics_of = async |log: &PgPool| -> Vec<String> {
        sqlx::query_scalar(topics).fetch_all(log).await.unwrap()
    };
    assert_eq!(topics_of(&other).await, topics_of(one.log.pool()).await);
    assert!(is_destroyed(&other, erased).await);
    // What was signed there holds here.
    assert_eq!(signed(&other).await, signed_size);
    holds(&other).await;
    // Done again it changes nothing.
    let again = commands.run(&["audit", "import", &path]).await;
    assert!(again.success(), "{}", commands.printed());
    assert!(commands.printed().contains("were imported before"));

    let two = System::on(Contexts::all(), databases, servers().own_topics()).await;
    caught_up(&two.log, &two.read).await;
    wait_for("equal tables", LIMIT, || async {
        let (ours, theirs) = (tables(&two.read).await, tables(&one.read).await);
        (ours == theirs).then_some(())
    })
    .await;
    // What happened is history: nothing follows from it.
    let quiet = "SELECT (SELECT count(*) FROM due) + (SELECT count(*) FROM policies \
         WHERE position < (SELECT position FROM head))";
    let count: i64 = sqlx::query_scalar(quiet).fetch_one(&other).await.unwrap();
    assert_eq!((count, head(&other).await), (0, manifest.last));
    goes_on(&two, kept, &email, hotel).await;
    assert!(is_destroyed(&other, erased).await);
    two.stop.cancel();
}

/// The log is what was written, and both checkpoints are of it.
async fn holds(log: &PgPool) {
    let report = verify(log, &trusted(log).await, |_, _| ()).await.unwrap();
    assert!(report.holds(), "{report:?}");
    assert_eq!((report.honoured, report.unsigned), (2, 0));
}

/// Rooms are booked, and who had a password gets another.
async fn goes_on(system: &System, account: Uuid, email: &str, hotel: Uuid) {
    let before = head(system.log.pool()).await;
    let guest = system.client(&[Buyer]);
    let booked = guest.book(hotel, 3, 5).await.expect(201);
    assert_eq!(guest.reserved(&booked, hotel, 3).await, 1);
    assert!(head(system.log.pool()).await > before);
    for known in [email, "nobody@example.com"] {
        let refused = sign_in(system, known, PASSWORD).await;
        refused.problem(401, "unauthorized");
    }
    let owner = system.client_of(account, &[Buyer]);
    let body = json!({ "current_password": PASSWORD, "password": "another password" });
    let refused = owner.post("/api/auth/change-password", body).await;
    refused.invalid("/current_password");
    let erasure = json!({ "password": PASSWORD });
    let refused = owner.post("/api/auth/me/erasure", erasure).await;
    refused.invalid("/password");
    let stranger = system.stranger();
    let forgot = json!({ "email": email });
    stranger
        .post("/api/auth/forgot-password", forgot)
        .await
        .expect(200);
    let token = system.link(Purpose::ResetPassword, account).await;
    let reset = json!({ "token": token, "password": "another password" });
    stranger
        .post("/api/auth/reset-password", reset)
        .await
        .expect(200);
    sign_in(system, email, "another password").await.expect(200);
}

/// Without the persons' keys nothing personal opens. That is no fault of who asks, nor ours.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_keys_of_persons_who_asks_hears_why() {
    let one = System::start(Contexts::all()).await;
    let (id, email) = one.client(&[Admin]).user(&[Buyer]).await;
    one.stop.cancel();
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    export_all(&one.databases.database_url, &export, 20).await;
    let databases = servers().database().await;
    let imported = super::import(&databases.database_url, &export).await;
    assert!(matches!(
        imported,
        Ok(::audit::import::Outcome::Imported(_))
    ));
    let two = System::on(Contexts::all(), databases, servers().own_topics()).await;
    let refused = sign_in(&two, &email, PASSWORD).await;
    refused.problem(503, "person-keys-missing");
    // Restored later, they are found.
    restore(two.log.pool(), &keys(one.log.pool()).await).await;
    sign_in(&two, &email, PASSWORD)
        .await
        .problem(401, "unauthorized");
    let shown = two.client_of(id, &[Buyer]).get("/api/auth/me").await;
    assert_ne!(shown.status, 500, "{shown:?}");
    two.stop.cancel();
}
