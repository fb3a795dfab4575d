//! Exports and imports that are killed, and go on.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ::audit::manifest::{MANIFEST, Manifest};
use event_store::personal::Keyring;
use event_store::{Log, OpenError, Options};
use serde_json::json;
use sqlx::{Connection, Executor, PgConnection};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::refused::change_manifest;
use super::{commands, export_all, fill, lines, pool, rows};
use crate::log::{append, to_stream};
use crate::support::{servers, wait_for};

const LIMIT: Duration = Duration::from_secs(60);

fn manifest(folder: &Path) -> Manifest {
    serde_json::from_slice(&std::fs::read(folder.join(MANIFEST)).unwrap()).unwrap()
}

/// The second file is a pipe of ours while it is written, so that the export is in the middle of it
/// when it is killed, however fast it is.
#[tokio::test]
async fn an_export_that_is_killed_keeps_whole_files_and_goes_on() {
    let url = servers().database().await.database_url;
    fill(&url, 9_000, 600).await;
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    let whole = export_all(&url, &export, 3_000).await;
    let expected = lines(&export, &whole);
    let [first, second, third] = &whole.files[..] else {
        panic!("{whole:?}");
    };
    for gone in [second, third] {
        std::fs::remove_file(export.join(&gone.name)).unwrap();
    }
    change_manifest(&export, |of| {
        of["complete"] = json!(false);
        of["files"].as_array_mut().unwrap().truncate(1);
    });
    let pipe = export.join(format!("{}.part", second.name));
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );

    let commands = commands(&url, &folder.path().join("printed"));
    let path = export.display().to_string();
    let arguments = ["audit", "export", &path, "--file", "3000"];
    let mut killed = commands.spawn(&arguments);
    let begun = pipe.clone();
    let read = spawn_blocking(move || {
        let mut pipe = File::open(begun).unwrap();
        let read = pipe.read(&mut [0; 1_000]).unwrap();
        (pipe, read)
    });
    let (open, read) = read.await.unwrap();
    assert!(read > 0);
    killed.kill();
    drop(open);
    assert!(!manifest(&export).complete);
    assert!(!export.join(&second.name).exists());
    std::fs::remove_file(&pipe).unwrap();

    let inode = |name: &str| std::fs::metadata(export.join(name)).unwrap().ino();
    let kept = inode(&first.name);
    assert!(
        commands.run(&arguments).await.success(),
        "{}",
        commands.printed()
    );
    assert_eq!(inode(&first.name), kept);
    let again = manifest(&export);
    assert!(again.complete);
    assert_eq!(lines(&export, &again), expected);
    // A file that was altered is made again, and nothing else.
    std::fs::write(export.join(&third.name), "altered").unwrap();
    assert!(
        commands.run(&arguments).await.success(),
        "{}",
        commands.printed()
    );
    assert_eq!(inode(&first.name), kept);
    assert_eq!(lines(&export, &manifest(&export)), expected);
}

/// A trigger has the import wait in the middle of its last chunk.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_killed_goes_on_and_no_service_opens_the_log_meanwhile() {
    let source = servers().database().await.database_url;
    fill(&source, 6_000, 2_000).await;
    let folder = tempfile::tempdir().unwrap();
    let export = folder.path().join("export");
    export_all(&source, &export, 2_500).await;
    let url = servers().database().await.database_url;
    let commands = commands(&url, &folder.path().join("printed"));
    let path = export.display().to_string();
    let arguments = ["audit", "import", &*path];
    let mut held = PgConnection::connect(&url).await.unwrap();
    held.execute(
        "SELECT pg_advisory_lock(77); \
         CREATE FUNCTION log.held() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF NEW.position = 5900 THEN PERFORM pg_advisory_xact_lock(77); END IF; \
             RETURN NEW; END $$; \
         CREATE TRIGGER held BEFORE INSERT ON log.events FOR EACH ROW EXECUTE FUNCTION log.held()",
    )
    .await
    .unwrap();
    let mut killed = commands.spawn(&arguments);
    let waits =
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 77 AND NOT granted";
    wait_for("the import to be in the middle", LIMIT, || async {
        let waits: i64 = sqlx::query_scalar(waits)
            .fetch_one(&pool(&url))
            .await
            .unwrap();
        (waits > 0).then_some(())
    })
    .await;
    let second = commands.run(&arguments).await;
    assert_eq!(second.code(), Some(2));
    assert!(
        commands
            .printed()
            .contains("another import into this log is under way")
    );
    killed.kill();
    let stored = event_store::head(&pool(&url)).await.unwrap().1;
    assert!((1..5_900).contains(&stored), "{stored}");
    held.execute("SELECT pg_advisory_unlock(77)").await.unwrap();
    held.execute("DROP TRIGGER held ON log.events")
        .await
        .unwrap();
    assert_eq!(event_store::head(&pool(&url)).await.unwrap().1, stored);

    nobody_opens(&url).await;
    for service in ["command-api", "worker", "projector", "read-api"] {
        let before = commands.printed().len();
        assert!(!commands.run(&[service]).await.success(), "{service}");
        let said = commands.printed()[before..].to_owned();
        assert!(
            said.contains("an import into this log was begun"),
            "{service}: {said}"
        );
    }
    let other = folder.path().join("other");
    export_all(&source, &other, 4_000).await;
    let other = commands
        .run(&["audit", "import", &other.display().to_string()])
        .await;
    assert_eq!(other.code(), Some(2));
    assert!(commands.printed().contains("go on with that one"));

    assert!(
        commands.run(&arguments).await.success(),
        "{}",
        commands.printed()
    );
    assert_eq!(rows(&url).await, rows(&source).await);
    let (ours, theirs) = (pool(&url), pool(&source));
    let head = event_store::head(&ours).await.unwrap();
    assert_eq!(head, event_store::head(&theirs).await.unwrap());
    let relayed = "SELECT epoch, position FROM relay";
    let relayed: (Uuid, i64) = sqlx::query_as(relayed).fetch_one(&ours).await.unwrap();
    assert_eq!(relayed, (head.0, 0));
    assert_eq!(open(&url).await.unwrap().epoch(), head.0);
}

async fn open(url: &str) -> Result<Log, OpenError> {
    let options = Options {
        contexts: domain::CONTEXTS.to_vec(),
        partitions: 3,
        keyring: Keyring::none(),
    };
    Log::open(pool(url), &options, CancellationToken::new()).await
}

async fn nobody_opens(url: &str) {
    let opened = open(url).await.map(|_| ());
    assert!(matches!(opened, Err(OpenError::Importing)), "{opened:?}");
}

/// A service that has the log open when an import begins stores nothing in it, and ends.
#[tokio::test]
async fn who_has_the_log_open_when_an_import_begins_ends() {
    use event_store::import::{Import, Imported};
    let url = servers().database().await.database_url;
    let log = open(&url).await.unwrap();
    // As if nobody had opened it, so that an import takes it.
    pool(&url).execute("DELETE FROM topics").await.unwrap();
    let imported = Imported {
        manifest: [1; 32],
        epoch: Uuid::new_v4(),
        last: 10,
        topics: Vec::new(),
        checkpoints: Vec::new(),
    };
    let import = Import::begin(&pool(&url), &imported).await.unwrap();
    assert_eq!(import.head(), 0);
    let one = to_stream(Uuid::now_v7(), 0, 1);
    assert!(log.append(append(vec![one])).await.is_err());
    let ended = tokio::time::timeout(LIMIT, log.written()).await.unwrap();
    assert!(
        ended
            .unwrap_err()
            .to_string()
            .contains("is no longer the one")
    );
    assert_eq!(event_store::head(&pool(&url)).await.unwrap().1, 0);
}
