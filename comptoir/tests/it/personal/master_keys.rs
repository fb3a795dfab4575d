//! Changing the master key: `comptoir keys`, as a process of its own.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use event_store::personal::{Keyring, MasterKeys, Status, rewrap, status};
use sqlx::Executor;
use uuid::Uuid;

use super::{name, open, pool, register};
use crate::support::{servers, wait_for};

const LIMIT: Duration = Duration::from_secs(30);

/// `comptoir keys`, with these master keys.
fn keys(url: &str, masters: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comptoir"));
    command
        .arg("keys")
        .args(arguments)
        .env("DATABASE_URL", url)
        .env("COMPTOIR_PERSONAL_KEYS", masters)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn told(output: Output) -> String {
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8(text).unwrap()
}

async fn done(url: &str, masters: &str, arguments: &[&str]) -> String {
    let mut command = keys(url, masters, arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = output.await.unwrap();
    let well = output.status.success();
    let told = told(output);
    assert!(well, "{told}");
    told
}

fn keyring(url: &str, masters: &str) -> Keyring {
    Keyring::beside_the_log(pool(url), masters.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_key_is_changed_step_by_step() {
    let url = servers().database().await.database_url;
    let (old, new) = (
        MasterKeys::make("old").unwrap(),
        MasterKeys::make("new").unwrap(),
    );
    let both = format!("{new},{old}");
    let (before, between) = (Uuid::now_v7(), Uuid::now_v7());
    let log = open(pool(&url), keyring(&url, &old)).await;
    register(&log, before, before).await.unwrap();

    // Started again with both: the old one opens, the new one wraps.
    let log = open(pool(&url), keyring(&url, &both)).await;
    log.keyring().check().await.unwrap();
    assert!(name(&log, before).await.is_some());
    register(&log, between, between).await.unwrap();
    let shown = done(&url, &both, &["status"]).await;
    assert!(
        shown.contains("1 keys are wrapped by the master key old, an older one"),
        "{shown}"
    );
    assert!(
        shown.contains("1 keys are wrapped by the master key new, the current one"),
        "{shown}"
    );

    // Too early without the old one: it says which is missing, at the start already.
    let early = keyring(&url, &new).check().await.unwrap_err().to_string();
    assert!(
        early.contains("\"old\", which COMPTOIR_PERSONAL_KEYS does not have"),
        "{early}"
    );

    let wrapped = done(&url, &both, &["rewrap"]).await;
    assert!(wrapped.contains("1 keys were wrapped anew"), "{wrapped}");
    let shown = done(&url, &new, &["status"]).await;
    assert_eq!(shown.lines().count(), 2, "{shown}");
    assert!(
        shown.contains("2 keys are wrapped by the master key new, the current one"),
        "{shown}"
    );

    // The old one is dropped.
    let log = open(pool(&url), keyring(&url, &new)).await;
    log.keyring().check().await.unwrap();
    assert!(name(&log, before).await.is_some() && name(&log, between).await.is_some());
    let shown = done(&url, &old, &["status"]).await;
    assert!(
        shown.contains("new, which COMPTOIR_PERSONAL_KEYS does not have"),
        "{shown}"
    );
    let impostor = MasterKeys::make("new").unwrap();
    let wrong = keyring(&url, &impostor)
        .check()
        .await
        .unwrap_err()
        .to_string();
    assert!(wrong.contains("another key has that id"), "{wrong}");
}

/// Killed in the middle, it goes on when started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rewrapping_goes_on_after_a_kill() {
    let url = servers().database().await.database_url;
    let (old, new) = (
        MasterKeys::make("old").unwrap(),
        MasterKeys::make("new").unwrap(),
    );
    let both = format!("{new},{old}");
    let persons: Vec<Uuid> = (0..6_000).map(|_| Uuid::new_v4()).collect();
    keyring(&url, &old).for_sealing(&persons).await.unwrap();
    let pool = pool(&url);
    // The last key is held, so that the last batch waits.
    let mut holding = pool.begin().await.unwrap();
    let last = "SELECT person FROM person_keys ORDER BY person DESC LIMIT 1 FOR UPDATE";
    holding.execute(last).await.unwrap();
    let mut child = keys(&url, &both, &["rewrap"]).spawn().unwrap();
    wait_for("the first batch", LIMIT, || async {
        let status = status(&pool).await.unwrap();
        (status.wrapped.first()?.0 == "new").then_some(())
    })
    .await;
    child.kill().unwrap();
    child.wait().unwrap();
    holding.rollback().await.unwrap();
    assert_eq!(
        status(&pool).await.unwrap().wrapped.len(),
        2,
        "killed in the middle"
    );
    done(&url, &both, &["rewrap"]).await;
    let expected = Status {
        wrapped: vec![("new".to_owned(), 6_000)],
        erased: 0,
    };
    assert_eq!(status(&pool).await.unwrap(), expected);
    assert_eq!(rewrap(&pool, &both.parse().unwrap()).await.unwrap(), 0);
    keyring(&url, &new).for_opening(&persons).await.unwrap();
}

/// A key under a master key that is not configured is an error, and nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rewrapping_without_the_old_key_says_so() {
    let url = servers().database().await.database_url;
    let (old, new) = (
        MasterKeys::make("old").unwrap(),
        MasterKeys::make("new").unwrap(),
    );
    keyring(&url, &old)
        .for_sealing(&[Uuid::nil()])
        .await
        .unwrap();
    let refused = rewrap(&pool(&url), &new.parse().unwrap())
        .await
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("\"old\", which COMPTOIR_PERSONAL_KEYS does not have")
    );
    keyring(&url, &old).check().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_destroyed_when_it_was_meant() {
    let url = servers().database().await.database_url;
    let master = MasterKeys::make("k1").unwrap();
    let id = Uuid::now_v7();
    let log = open(pool(&url), keyring(&url, &master)).await;
    register(&log, id, id).await.unwrap();
    let person = id.to_string();
    // Asked, and nobody answers.
    let mut command = keys(&url, &master, &["erase", &person]);
    let asked = tokio::task::spawn_blocking(move || command.output().unwrap());
    let asked = asked.await.unwrap();
    assert!(!asked.status.success());
    assert!(told(asked).contains("nothing was done"));
    assert!(name(&log, id).await.is_some());
    let erased = done(&url, &master, &["erase", &person, "--yes"]).await;
    assert!(erased.contains("is destroyed"), "{erased}");
    let log = open(pool(&url), keyring(&url, &master)).await;
    assert_eq!(name(&log, id).await, None);
    let again = done(&url, &master, &["erase", &person, "--yes"]).await;
    assert!(again.contains("had been destroyed before"), "{again}");
    assert!(
        done(&url, &master, &["status"])
            .await
            .contains("1 keys were destroyed")
    );
}
