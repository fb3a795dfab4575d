//! Read tables after an erasure: whatever their slot or version, and whoever writes at that moment.

use std::time::Duration;

use comptoir::contexts::Contexts;
use domain::actor::Role::{Admin, Buyer};
use event_store::database;
use projections::erase::erase;
use projections::rebuild::{Databases, Options, Outcome, Progress, rebuild};
use projections::runtime::Registered;
use sqlx::{Executor, PgPool};
use uuid::Uuid;

use crate::support::{System, wait_for};

fn accounts() -> Registered {
    let mut all = projections::all().into_iter();
    all.find(|one| one.name == "accounts").unwrap()
}

async fn rebuilt(system: &System) -> Outcome {
    let databases = Databases {
        log: system.log.pool().clone(),
        read: system.read.clone(),
        keyring: system.log.keyring().clone(),
    };
    let options = Options {
        workers: 2,
        accept: false,
    };
    let (progress, _) = Progress::channel();
    let outcome = rebuild(&databases, &accounts(), options, progress).await;
    outcome.unwrap()
}

/// What the table in this schema has of an account.
async fn email(read: &PgPool, schema: &str, id: Uuid) -> Option<String> {
    let sql = format!("SELECT email FROM {schema}.accounts WHERE id = $1");
    let found = sqlx::query_scalar(&sql).bind(id).fetch_one(read).await;
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_emptied_and_a_rebuild_finds_no_difference() {
    let system = System::start(Contexts::all()).await;
    let admin = system.client(&[Admin]);
    let (id, address) = admin.user(&[Buyer]).await;
    let (other, theirs) = admin.user(&[Buyer]).await;
    assert!(rebuilt(&system).await.swapped);
    // As a later version of the program would have it.
    let later = "CREATE SCHEMA accounts_v7; \
         CREATE TABLE accounts_v7.accounts (LIKE read.accounts INCLUDING ALL); \
         INSERT INTO accounts_v7.accounts SELECT * FROM read.accounts";
    system.read.execute(later).await.unwrap();
    let schemas = ["read", "read_previous", "accounts_v7"];
    for schema in schemas {
        assert_eq!(email(&system.read, schema, id).await.unwrap(), address);
    }
    system.log.erase(id).await.unwrap();
    assert_eq!(erase(&system.read, id).await.unwrap(), 3);
    assert_eq!(erase(&system.read, id).await.unwrap(), 0);
    for schema in schemas {
        assert_eq!(email(&system.read, schema, id).await, None, "{schema}");
        assert_eq!(email(&system.read, schema, other).await.unwrap(), theirs);
    }
    // What the key's destruction leaves of the fold is what is in the table.
    let outcome = rebuilt(&system).await;
    assert!(outcome.swapped, "{:?}", outcome.differences);
    system.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_opened_what_was_erased_meanwhile_has_it_no_more() {
    let system = System::start(Contexts::all()).await;
    let admin = system.client(&[Admin]);
    let (id, _) = admin.user(&[Buyer]).await;
    // The keyring of the rebuild keeps the key for a while, so it folds the row with the address.
    system.log.keyring().for_opening(&[id]).await.unwrap();
    let pool = database::pool(&system.databases.database_url, "log", 1).unwrap();
    let destroy = "UPDATE person_keys SET wrapped = NULL, master = NULL, erased_at = now() \
         WHERE person = $1";
    let query = sqlx::query(destroy).bind(id);
    query.execute(&pool).await.unwrap();
    let outcome = rebuilt(&system).await;
    assert!(outcome.swapped, "{:?}", outcome.differences);
    for schema in ["read", "read_previous"] {
        assert_eq!(email(&system.read, schema, id).await, None, "{schema}");
    }
    system.stop.cancel();
}

/// A batch has read a row and will write it: erasing waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_is_under_way_does_not_bring_it_back() {
    let system = System::start(Contexts::all()).await;
    let admin = system.client(&[Admin]);
    let (id, address) = admin.user(&[Buyer]).await;
    let pool = database::pool(system.databases.read_url(), "read", 2).unwrap();
    let mut batch = pool.begin().await.unwrap();
    let lock = "SELECT FROM watermarks WHERE projection = 'accounts' FOR UPDATE";
    batch.execute(lock).await.unwrap();
    let read = system.read.clone();
    let erasing = tokio::spawn(async move { erase(&read, id).await });
    let waits = "SELECT count(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_for("the erasure to wait", Duration::from_secs(20), async || {
        let waiting: i64 = sqlx::query_scalar(waits).fetch_one(&pool).await.unwrap();
        (waiting > 0).then_some(())
    })
    .await;
    let write = sqlx::query("UPDATE accounts SET email = $2 WHERE id = $1");
    let write = write.bind(id).bind(address);
    write.execute(&mut *batch).await.unwrap();
    batch.commit().await.unwrap();
    assert_eq!(erasing.await.unwrap().unwrap(), 1);
    assert_eq!(email(&system.read, "read", id).await, None);
    system.stop.cancel();
}
