//! Exports that can't be imported, logs that take none, and folders that hold something else.

use std::path::Path;

use ::audit::export::{self, Bound, Request};
use ::audit::import::{Error, Fault, Outcome};
use ::audit::manifest::MANIFEST;
use event_store::import::Error as LogError;
use serde_json::{Value, json};
use sqlx::Executor;

use super::{commands, export_all, export_with, fill, import, pool, rows};
use crate::support::servers;

/// What is done to something, and what is said of it.
pub(super) type Change<T> = (fn(&mut T), &'static str);

/// The faults of an export; the log of `url` is as it was.
pub(super) async fn faults(url: &str, folder: &Path) -> Vec<Fault> {
    let before = event_store::head(&pool(url)).await.unwrap();
    let outcome = import(url, folder).await.unwrap();
    let Outcome::Refused(faults) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(event_store::head(&pool(url)).await.unwrap(), before);
    let touched = "SELECT EXISTS (SELECT FROM imports) OR EXISTS (SELECT FROM topics) \
         OR EXISTS (SELECT FROM events) OR EXISTS (SELECT FROM person_keys)";
    let touched: bool = sqlx::query_scalar(touched)
        .fetch_one(&pool(url))
        .await
        .unwrap();
    assert!(!touched);
    faults.first
}

/// Writes a member of the manifest anew.
pub(super) fn change_manifest(folder: &Path, change: impl FnOnce(&mut Value)) {
    let path = folder.join(MANIFEST);
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut manifest);
    std::fs::write(path, manifest.to_string()).unwrap();
}

#[tokio::test]
async fn a_part_of_a_log_is_refused() {
    let url = servers().database().await.database_url;
    let empty = servers().database().await.database_url;
    fill(&url, 6, 10).await;
    let from = Request {
        from: Some(Bound::Position(2)),
        ..Request::default()
    };
    let context = Request {
        contexts: vec!["identity".to_owned()],
        ..Request::default()
    };
    for request in [from, context] {
        let folder = tempfile::tempdir().unwrap();
        export_with(&url, folder.path(), &request, 4).await;
        let faults = faults(&empty, folder.path()).await;
        assert_eq!(faults[0].file, MANIFEST);
        assert!(
            faults[0].what.contains("only a whole one can be imported"),
            "{faults:?}"
        );
    }
    // The beginning of a log is a log.
    let to = Request {
        to: Some(Bound::Position(4)),
        ..Request::default()
    };
    let folder = tempfile::tempdir().unwrap();
    export_with(&url, folder.path(), &to, 3).await;
    let imported = import(&empty, folder.path()).await.unwrap();
    assert!(matches!(imported, Outcome::Imported(_)));
    assert_eq!(rows(&empty).await, rows(&url).await[..4]);
}

#[tokio::test]
async fn a_manifest_that_is_wrong_is_refused() {
    let url = servers().database().await.database_url;
    let empty = servers().database().await.database_url;
    fill(&url, 6, 10).await;
    let changes: [Change<Value>; 8] = [
        (|of| of["format"] = json!(2), "format is 2"),
        (|of| of["complete"] = json!(false), "is not complete"),
        (|of| of["more"] = json!(1), "no manifest"),
        (
            |of| of["events"] = json!(7),
            "have 6 events, and it names 7",
        ),
        (|of| of["files"][1]["first"] = json!(6), "does not follow"),
        (
            |of| of["files"][0]["name"] = json!("../x"),
            "no name of a file",
        ),
        (|of| of["topics"][0]["partitions"] = json!(0), "is none"),
        (|of| of["last"] = json!(9), "the files end at position 6"),
    ];
    for (change, what) in changes {
        let folder = tempfile::tempdir().unwrap();
        export_all(&url, folder.path(), 4).await;
        change_manifest(folder.path(), change);
        let faults = faults(&empty, folder.path()).await;
        assert_eq!(faults[0].file, MANIFEST);
        assert!(faults[0].what.contains(what), "{what}: {faults:?}");
    }
}

#[tokio::test]
async fn a_log_that_something_has_used_is_refused() {
    let url = servers().database().await.database_url;
    fill(&url, 6, 10).await;
    let folder = tempfile::tempdir().unwrap();
    export_all(&url, &folder.path().join("export"), 4).await;
    let path = folder.path().join("export").display().to_string();

    let full = servers().database().await.database_url;
    fill(&full, 1, 10).await;
    let used = servers().database().await.database_url;
    let opened = "INSERT INTO topics (context, partitions) VALUES ('hotels', 6)";
    pool(&used).execute(opened).await.unwrap();
    for url in [&full, &used, &url] {
        let before = rows(url).await;
        let refused = import(url, path.as_ref()).await;
        assert!(
            matches!(refused, Err(Error::Log(LogError::NotEmpty))),
            "{refused:?}"
        );
        assert_eq!(rows(url).await, before);
    }
    let commands = commands(&full, &folder.path().join("printed"));
    let refused = commands.run(&["audit", "import", &path]).await;
    assert_eq!(refused.code(), Some(2));
    assert!(commands.printed().contains("the log is not empty"));
}

#[tokio::test]
async fn a_folder_of_something_else_is_refused() {
    let (one, other) = (servers().database().await, servers().database().await);
    let (one, other) = (one.database_url, other.database_url);
    fill(&one, 6, 10).await;
    fill(&other, 6, 10).await;
    let folder = tempfile::tempdir().unwrap();
    export_all(&one, folder.path(), 4).await;
    let to = Request {
        to: Some(Bound::Position(4)),
        ..Request::default()
    };
    for (url, request) in [(&other, &Request::default()), (&one, &to)] {
        let refused = refused(url, request, folder.path()).await;
        assert!(matches!(refused, export::Error::Another(_)), "{refused}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("letter"), "mine").unwrap();
    let refused = refused(&one, &to, folder.path()).await;
    assert!(matches!(refused, export::Error::Occupied(_)), "{refused}");
}

async fn refused(url: &str, request: &Request, folder: &Path) -> export::Error {
    let log = pool(url);
    let exported = export::to_folder(&log, request, folder, 4, std::sync::Arc::new(|_, _| {}));
    exported.await.unwrap_err()
}
