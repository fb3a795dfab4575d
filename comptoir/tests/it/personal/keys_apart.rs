//! Keys in another database than the log's.

use comptoir::services::migrate_keys;
use comptoir::settings::{KeysDatabase, Personal};
use event_store::idempotency::stored_as;
use event_store::personal::Erasure;
use sqlx::PgPool;
use uuid::Uuid;

use super::{name, open, pool, register};
use crate::support::{personal, servers};

async fn count(pool: &PgPool, table: &str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    sqlx::query_scalar(&sql).fetch_one(pool).await.unwrap()
}

#[tokio::test]
async fn keys_are_kept_apart_from_the_log() {
    let url = servers().database().await.database_url;
    let keys_database = KeysDatabase {
        keys_database_url: Some(servers().empty_database().await),
    };
    migrate_keys(&keys_database).await.unwrap();
    migrate_keys(&keys_database).await.unwrap();
    let personal = Personal {
        keys_database,
        ..personal()
    };
    let (log_pool, keys_pool) = (pool(&url), personal.keys_database.pool().unwrap().unwrap());
    let process = || async {
        let keyring = personal.keyring(&log_pool).unwrap();
        keyring.check().await.unwrap();
        open(log_pool.clone(), keyring).await
    };
    let (log, id) = (process().await, Uuid::now_v7());
    register(&log, id, id).await.unwrap();
    assert_eq!(count(&keys_pool, "person_keys").await, 1);
    assert_eq!(count(&log_pool, "person_keys").await, 0);
    assert!(name(&process().await, id).await.is_some());

    sqlx::query(
        "INSERT INTO idempotency (scope, id, digest, answer, positions, created_at) \
         VALUES ($1, $2, '', '{}', '{}', now())",
    )
    .bind(id)
    .bind(stored_as(&id.to_string(), "k").1)
    .execute(&log_pool)
    .await
    .unwrap();
    assert_eq!(log.erase(id).await.unwrap(), Erasure::Destroyed);
    assert_eq!(name(&process().await, id).await, None);
    assert_eq!(count(&log_pool, "idempotency").await, 0);
    assert_eq!(count(&keys_pool, "person_keys").await, 1);
}
