//! Replays after an erasure, and while one happens.

use comptoir::contexts::Contexts;
use domain::actor::Role::{Admin, Buyer};
use event_store::as_of::AsOf;
use event_store::database;
use projections::erase::erase;
use sqlx::PgPool;
use uuid::Uuid;

use super::{registered, replayed};
use crate::support::System;

/// What the table in this schema has of an account.
async fn email(read: &PgPool, schema: &str, id: Uuid) -> Option<String> {
    let sql = format!("SELECT email FROM {schema}.accounts WHERE id = $1");
    let found = sqlx::query_scalar(&sql).bind(id).fetch_one(read).await;
    found.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_has_nothing_of_who_was_erased_before_or_since() {
    let system = System::start(Contexts::all()).await;
    let admin = system.client(&[Admin]);
    let (before, _) = admin.user(&[Buyer]).await;
    let (since, address) = admin.user(&[Buyer]).await;
    let (other, theirs) = admin.user(&[Buyer]).await;
    let as_of = AsOf::Position(system.log.head().await.unwrap());
    // The keyring keeps the key for a while, so the replay folds the row with the address.
    system.log.keyring().for_opening(&[before]).await.unwrap();
    let pool = database::pool(&system.databases.database_url, "log", 1).unwrap();
    let destroy = "UPDATE person_keys SET wrapped = NULL, master = NULL, erased_at = now() \
         WHERE person = $1";
    sqlx::query(destroy)
        .bind(before)
        .execute(&pool)
        .await
        .unwrap();
    let replayed = replayed(&system, &registered("accounts"), as_of)
        .await
        .unwrap();
    let schema = &replayed.schema;
    assert_eq!(email(&system.read, schema, before).await, None);
    assert_eq!(email(&system.read, schema, since).await, Some(address));

    system.log.erase(since).await.unwrap();
    // The live table's row, and that of the replay.
    assert_eq!(erase(&system.read, since).await.unwrap(), 2);
    assert_eq!(email(&system.read, schema, since).await, None);
    assert_eq!(email(&system.read, schema, other).await, Some(theirs));
    system.stop.cancel();
}
