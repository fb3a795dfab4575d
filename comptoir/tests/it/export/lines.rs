//! What stands in an export, and how much of the log.

use ::audit::export::{Bound, Request};
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{commands, export_with, fill, lines, pool};
use crate::support::servers;

async fn positions(url: &str, request: &Request) -> Vec<i64> {
    let folder = tempfile::tempdir().unwrap();
    let manifest = export_with(url, folder.path(), request, 4).await;
    let by_name = lines(folder.path(), &manifest);
    let mut all = Vec::new();
    for file in &manifest.files {
        let lines = &by_name[&file.name];
        assert_eq!(lines.len() as u64, file.events);
        for line in lines {
            let line: Value = serde_json::from_str(line).unwrap();
            let position: i64 = line["position"].as_str().unwrap().parse().unwrap();
            assert!((file.first..=file.last).contains(&position));
            all.push(position);
        }
    }
    assert_eq!(all.len() as u64, manifest.events);
    all
}

#[tokio::test]
async fn a_range_is_of_positions_or_of_times_of_recording() {
    let url = servers().database().await.database_url;
    fill(&url, 11, 10).await;
    let sql = "SELECT recorded_at FROM events ORDER BY position";
    let at: Vec<DateTime<Utc>> = sqlx::query_scalar(sql)
        .fetch_all(&pool(&url))
        .await
        .unwrap();
    let early = at[0] - chrono::TimeDelta::days(1);
    let position = |at| Some(Bound::Position(at));
    let time = |at| Some(Bound::Time(at));
    for (from, to, expected) in [
        (None, None, 1..12),
        (position(3), position(5), 3..6),
        (position(8), position(100), 8..12),
        (position(12), None, 0..0),
        (position(5), position(4), 0..0),
        // Both ends are included, to the microsecond.
        (time(at[2]), time(at[6]), 3..8),
        (
            time(at[2] + chrono::TimeDelta::microseconds(1)),
            None,
            4..12,
        ),
        (time(early), time(early), 0..0),
        (time(early), position(2), 1..3),
        (time(Utc::now()), None, 0..0),
    ] {
        let contexts = Vec::new();
        let request = Request { from, to, contexts };
        let found = positions(&url, &request).await;
        assert!(
            found.iter().copied().eq(expected.clone()),
            "{request:?}: {found:?}"
        );
    }
    for (context, expected) in [("identity", 11), ("hotels", 0)] {
        let request = Request {
            contexts: vec![context.to_owned()],
            ..Request::default()
        };
        assert_eq!(positions(&url, &request).await.len(), expected);
    }
}

#[tokio::test]
async fn the_lines_go_to_the_output_too() {
    let url = servers().database().await.database_url;
    fill(&url, 5, 10).await;
    let folder = tempfile::tempdir().unwrap();
    let printed = folder.path().join("printed");
    let commands = commands(&url, &printed);
    assert!(
        commands
            .run(&["audit", "export", "-", "--from", "2"])
            .await
            .success()
    );
    let plain = std::fs::read_to_string(&printed).unwrap();
    let count = plain
        .lines()
        .filter(|line| line.starts_with(r#"{"specversion":"1.0""#));
    assert_eq!(count.count(), 4, "{plain}");
    std::fs::remove_file(&printed).unwrap();
    let compressed = ["audit", "export", "-", "--from", "2", "--zstd"];
    assert!(commands.run(&compressed).await.success());
    let compressed = std::fs::read(&printed).unwrap();
    assert_eq!(zstd::decode_all(&*compressed).unwrap(), plain.as_bytes());
    let unknown = ["audit", "export", "-", "--context", "nothing"];
    assert_eq!(commands.run(&unknown).await.code(), Some(2));
}
