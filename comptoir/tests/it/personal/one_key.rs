//! One person, one key, whoever makes it; and none any more once it was destroyed.

use event_store::append::AppendError;
use event_store::personal::{Erasure, Keyring};
use uuid::Uuid;

use super::{name, pool, process, register};
use crate::support::{personal, servers};

/// Processes of their own that store something about one person at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_writers_make_one_key() {
    let url = servers().database().await.database_url;
    let person = Uuid::now_v7();
    let logs = futures::future::join_all((0..6).map(|_| process(&url))).await;
    let streams: Vec<Uuid> = (0..24).map(|_| Uuid::now_v7()).collect();
    let writers = streams.iter().zip(logs.iter().cycle());
    let writers = writers.map(|(id, log)| register(log, *id, person));
    for outcome in futures::future::join_all(writers).await {
        outcome.unwrap();
    }
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM person_keys")
        .fetch_one(&pool(&url))
        .await
        .unwrap();
    assert_eq!(keys, 1);
    let fresh = process(&url).await;
    for id in streams {
        assert!(name(&fresh, id).await.is_some());
    }
}

/// Batches of persons in any order meet without a dead-lock, and agree.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn racing_batches_make_one_key_a_person() {
    let url = servers().database().await.database_url;
    let persons: Vec<Uuid> = (0..200).map(|_| Uuid::new_v4()).collect();
    let batches = (0..8).map(|turn| {
        let keyring = personal().keyring(&pool(&url)).unwrap();
        let mut persons = persons.clone();
        persons.rotate_left(turn * 25);
        async move { keyring.for_sealing(&persons).await.map(|_| ()) }
    });
    for outcome in futures::future::join_all(batches).await {
        outcome.unwrap();
    }
    let keys: i64 = sqlx::query_scalar("SELECT count(*) FROM person_keys")
        .fetch_one(&pool(&url))
        .await
        .unwrap();
    assert_eq!(keys, 200);
}

/// Whatever an erasure races with, the key is gone in the end and not made anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erasure_is_final_whoever_writes_at_that_moment() {
    let url = servers().database().await.database_url;
    let (writer, eraser) = (process(&url).await, process(&url).await);
    for _ in 0..40 {
        let (person, first, second) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let written = register(&writer, first, person);
        let (written, erased) = tokio::join!(written, eraser.erase(person));
        assert_ne!(erased.unwrap(), Erasure::Before);
        assert!(
            matches!(written, Ok(_) | Err(AppendError::Erased(_))),
            "{written:?}"
        );
        let refused = register(&writer, second, person).await.unwrap_err();
        assert!(matches!(refused, AppendError::Erased(id) if id == person));
        if written.is_ok() {
            assert_eq!(name(&process(&url).await, first).await, None);
        }
    }
    let left: i64 =
        sqlx::query_scalar("SELECT count(*) FROM person_keys WHERE wrapped IS NOT NULL")
            .fetch_one(&pool(&url))
            .await
            .unwrap();
    assert_eq!(left, 0);
}

/// A log whose keys are those of an older backup is not taken for one of erased persons.
#[tokio::test]
async fn a_key_that_is_missing_is_not_an_erasure() {
    let url = servers().database().await.database_url;
    let id = Uuid::now_v7();
    register(&process(&url).await, id, id).await.unwrap();
    let lost = sqlx::query("DELETE FROM person_keys");
    lost.execute(&pool(&url)).await.unwrap();
    let fresh = process(&url).await;
    let error = super::load(&fresh, id).await.unwrap_err().to_string();
    assert!(error.contains("there is no key of the person"), "{error}");
}

#[tokio::test]
async fn keys_and_keyrings_are_not_shown() {
    let url = servers().database().await.database_url;
    let keyring = personal().keyring(&pool(&url)).unwrap();
    assert_eq!(format!("{keyring:?}"), "Keyring([\"k1\"])");
    assert_eq!(format!("{:?}", Keyring::none()), "Keyring(none)");
    let keys = keyring.for_sealing(&[Uuid::nil()]).await.unwrap();
    assert_eq!(
        format!("{keys:?}"),
        "Keys({00000000-0000-0000-0000-000000000000: Some(Key)})"
    );
}
