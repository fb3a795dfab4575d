//! What is asked wrongly, and what can't be folded.

use comptoir::contexts::Contexts;
use event_store::as_of::{self, AsOf};
use projections::rebuild::replay::{Error, Schema, drop};
use sqlx::Executor;

use super::{registered, replayed, rows_of};
use crate::across::busy_nights::{accept, busy_nights, refuse};
use crate::across::{all_visible, make_table, with_busy_nights};
use crate::projector::stored;
use crate::runtime::history;
use crate::support::{Deployment, System};

/// Moments that have not come, and what the command line is told that it can't use.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_is_refused() {
    let system = System::start(Contexts::all()).await;
    let head = system.log.head().await.unwrap();
    let tomorrow = chrono::Utc::now() + chrono::TimeDelta::days(1);
    for ahead in [AsOf::Position(head + 1_000), AsOf::Time(tomorrow)] {
        let found = ahead.find(system.log.pool()).await;
        assert!(matches!(found, Err(as_of::Error::Ahead(..))), "{found:?}");
    }
    // A schema of somebody else is left as it is.
    let theirs = "CREATE SCHEMA theirs; CREATE TABLE theirs.nights (kept integer)";
    system.read.execute(theirs).await.unwrap();
    let dropped = drop(&system.read, &Schema::parse("theirs").unwrap()).await;
    assert!(matches!(dropped, Err(Error::NotAReplay(_))), "{dropped:?}");
    let dropped = drop(&system.read, &Schema::parse("nobodys").unwrap()).await;
    assert!(matches!(dropped, Err(Error::Unknown(_))), "{dropped:?}");

    let folder = tempfile::tempdir().unwrap();
    let replay = ["audit", "replay", "--projection", "nights", "--as-of", "1"];
    for (name, said) in [
        ("read", "no name for a replay"),
        ("x; DROP SCHEMA read CASCADE", "no name for a replay"),
        ("theirs", "is no replay"),
    ] {
        let log = folder.path().join(format!("log of {}", name.len()));
        let deployment = Deployment::new(system.databases.clone(), log);
        let run = deployment
            .run(&[&replay[..], &["--schema", name]].concat())
            .await;
        assert_eq!(run.code(), Some(2), "{name}");
        assert!(
            deployment.printed().contains(said),
            "{}",
            deployment.printed()
        );
    }
    let deployment = Deployment::new(system.databases.clone(), folder.path().join("log"));
    let run = deployment
        .run(&[&replay[..], &["--schema", "select"]].concat())
        .await;
    assert!(run.success(), "{}", deployment.printed());
    let run = deployment
        .run(&["audit", "replay", "--drop", "select"])
        .await;
    assert!(run.success(), "{}", deployment.printed());
    let run = deployment
        .run(&["audit", "replay", "--drop", "select"])
        .await;
    assert_eq!(run.code(), Some(2));
    let kept = "SELECT kept FROM theirs.nights";
    system.read.execute(kept).await.unwrap();
}

/// What can't be folded ends its stream, and is told; all else is there. So it is whether rows are
/// copied stream by stream or written in the order of the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_folded_is_left_out_and_told() {
    let system = System::prepared(with_busy_nights(), async |read| make_table(read).await).await;
    history(&system).await;
    all_visible(&system).await;
    let events = stored(&system).await;
    let of_inventory = |event: &&event_store::RecordedEvent| event.event_type == "RoomsReserved";
    let bad = events.iter().find(of_inventory).unwrap();
    let later = |event: &&event_store::RecordedEvent| {
        event.aggregate_id == bad.aggregate_id && event.sequence >= bad.sequence
    };
    let expected: Vec<i64> = events
        .iter()
        .filter(later)
        .map(|event| event.position)
        .collect();
    let as_of = AsOf::Position(system.log.head().await.unwrap());

    refuse(bad.aggregate_id, bad.sequence);
    let across = replayed(&system, &busy_nights(), as_of).await.unwrap();
    accept(bad.aggregate_id);
    // The database refuses a row of `nights`, and of no other stream.
    let check = format!(
        "ALTER TABLE nights ADD CHECK (inventory_id <> '{}') NOT VALID",
        bad.aggregate_id
    );
    system.read.execute(check.as_str()).await.unwrap();
    let refused = replayed(&system, &registered("nights"), as_of)
        .await
        .unwrap();
    for outcome in [&across, &refused] {
        let positions: Vec<i64> = outcome.not_folded.iter().map(|one| one.position).collect();
        assert_eq!(positions, expected, "{}", outcome.schema);
        assert!(outcome.not_folded[0].why.is_some());
        assert!(outcome.not_folded[1..].iter().all(|one| one.why.is_none()));
        assert_eq!(outcome.marker.left_out, expected.len() as u64);
        assert!(!rows_of(&system, outcome).await.is_empty());
    }
}
