//! Files that another hand has touched: what is wrong is told by line, and nothing is written.

use std::io::Write;
use std::path::Path;

use ::audit::manifest::Manifest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use event_store::{RecordedEvent, leaf_hash};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::refused::{Change, change_manifest, faults};
use super::{commands, export_all, fill, lines};
use crate::support::servers;

/// Ten events of five streams: claimed and released, in files of four.
async fn exported() -> (tempfile::TempDir, Manifest) {
    let url = servers().database().await.database_url;
    fill(&url, 10, 10).await;
    let folder = tempfile::tempdir().unwrap();
    let manifest = export_all(&url, folder.path(), 4).await;
    (folder, manifest)
}

/// Writes a file anew, as the manifest says then.
fn write(folder: &Path, manifest: &Manifest, file: usize, lines: &[String]) {
    let mut text = lines.join("\n");
    text.push('\n');
    let bytes = zstd::encode_all(text.as_bytes(), 1).unwrap();
    let name = &manifest.files[file].name;
    std::fs::write(folder.join(name), &bytes).unwrap();
    let digits = Sha256::digest(&bytes);
    let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    change_manifest(folder, |of| {
        let of = &mut of["files"][file];
        (of["bytes"], of["sha256"]) = (json!(bytes.len()), json!(digits));
        of["events"] = json!(lines.len());
    });
}

/// Gives a line the leaf hash of what it says now.
fn seal(line: &mut Value) {
    let text = |name: &str| line[name].as_str().unwrap();
    let event = RecordedEvent {
        position: text("position").parse().unwrap(),
        event_id: text("id").parse().unwrap(),
        aggregate_type: text("aggregatetype").to_owned(),
        aggregate_id: text("subject").parse().unwrap(),
        sequence: text("sequence").parse().unwrap(),
        event_type: text("type").to_owned(),
        event_version: text("eventversion").to_owned(),
        payload: line["data"].to_string(),
        metadata: text("metadata").to_owned(),
        recorded_at: text("recordedat").parse().unwrap(),
        occurred_at: text("time").parse().unwrap(),
        partition: 0,
    };
    line["leafhash"] = json!(STANDARD.encode(leaf_hash(&event)));
}

/// What is done to a file.
type Harm = fn(&Path);

/// What is done to the third line of the second file, and what is said of it.
const CHANGES: [Change<Value>; 22] = [
    (|of| *of = json!({}), "missing field"),
    (
        |of| drop(of.as_object_mut().unwrap().remove("subject")),
        "missing field `subject`",
    ),
    (|of| of["more"] = json!("x"), "unknown field `more`"),
    (
        |of| of["specversion"] = json!("0.3"),
        "not a CloudEvent of version 1.0",
    ),
    (|of| of["source"] = json!("/elsewhere"), "another source"),
    (|of| of["epoch"] = of["id"].clone(), "another source"),
    (
        |of| of["datacontenttype"] = json!("text/plain"),
        "application/json",
    ),
    (
        |of| of["metadata"] = json!("[]"),
        "not a JSON object of strings",
    ),
    (
        |of| of["data_base64"] = json!("e30="),
        "not one of data and data_base64",
    ),
    (|of| of["position"] = json!("x"), "which is no number"),
    (
        |of| of["time"] = json!("yesterday"),
        "no time in microseconds",
    ),
    (
        |of| of["position"] = json!("9"),
        "its position is 9, and 7 is due",
    ),
    (
        |of| of["sequence"] = json!("2"),
        "its sequence is 2, and 1 is due",
    ),
    (
        |of| of["recordedat"] = json!("2020-01-01T00:00:00Z"),
        "recorded before the event before it",
    ),
    (
        |of| of["time"] = json!("2999-01-01T00:00:00Z"),
        "recorded before it happened",
    ),
    (
        |of| of["recordedat"] = json!("2999-01-01T00:00:00Z"),
        "recorded in the future",
    ),
    (
        |of| of["data"]["account_id"] = of["id"].clone(),
        "it was altered",
    ),
    (
        |of| of["aggregatetype"] = json!("identity.nothing"),
        "there is no aggregate",
    ),
    (
        |of| {
            of["partition"] = json!("7");
            seal(of);
        },
        "its stream is in partition",
    ),
    (
        |of| {
            of["data"]["account_id"] = json!(17);
            seal(of);
        },
        "EmailClaimed in version 1 can't be read",
    ),
    (
        |of| {
            of["eventversion"] = json!("99");
            seal(of);
        },
        "a newer one has written it",
    ),
    (
        |of| {
            of["type"] = json!("EmailReleased");
            seal(of);
        },
        "the payload is that of \"EmailClaimed\"",
    ),
];

#[tokio::test]
async fn what_is_wrong_with_a_line_is_told_with_its_number() {
    let (folder, manifest) = exported().await;
    let empty = servers().database().await.database_url;
    let name = &manifest.files[1].name;
    let original = lines(folder.path(), &manifest)[name].clone();
    for (change, what) in CHANGES {
        let mut lines = original.clone();
        let mut line: Value = serde_json::from_str(&lines[2]).unwrap();
        change(&mut line);
        lines[2] = line.to_string();
        write(folder.path(), &manifest, 1, &lines);
        let faults = faults(&empty, folder.path()).await;
        let first = &faults[0];
        assert_eq!(
            (&first.file, first.line),
            (name, Some(3)),
            "{what}: {faults:?}"
        );
        assert!(first.what.contains(what), "{what}: {faults:?}");
    }
}

#[tokio::test]
async fn lines_that_are_missing_added_or_no_lines_are_told() {
    let (folder, manifest) = exported().await;
    let empty = servers().database().await.database_url;
    let original = lines(folder.path(), &manifest)[&manifest.files[1].name].clone();
    let told = async |lines: &[String]| {
        write(folder.path(), &manifest, 1, lines);
        let faults = faults(&empty, folder.path()).await;
        (faults[0].line, faults[0].what.clone())
    };
    let no_json = [
        original[0].clone(),
        "}{".to_owned(),
        original[2].clone(),
        original[3].clone(),
    ];
    assert_eq!(told(&no_json).await.0, Some(2));
    let gap = [&original[..1], &original[2..]].concat();
    assert_eq!(
        told(&gap).await,
        (Some(2), "its position is 7, and 6 is due".to_owned())
    );
    let twice = [&original[..2], &original[1..]].concat();
    assert_eq!(
        told(&twice).await,
        (Some(3), "its position is 6, and 7 is due".to_owned())
    );
    let short = &original[..3];
    let (line, what) = told(short).await;
    assert_eq!(
        (line, &*what),
        (None, "it ends at position 7, and the manifest names 8")
    );
}

#[tokio::test]
async fn a_file_that_is_not_the_manifests_is_refused() {
    let empty = servers().database().await.database_url;
    let changes: [(Harm, &str); 4] = [
        (
            // The same lines, compressed otherwise.
            |path| {
                let text = zstd::decode_all(&*std::fs::read(path).unwrap()).unwrap();
                std::fs::write(path, zstd::encode_all(&*text, 9).unwrap()).unwrap();
                let mut file = std::fs::File::options().append(true).open(path).unwrap();
                // A frame that holds nothing.
                file.write_all(&zstd::encode_all(&b""[..], 1).unwrap())
                    .unwrap();
            },
            "its SHA-256 is not that of the manifest",
        ),
        (
            |path| {
                let bytes = std::fs::read(path).unwrap();
                std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
            },
            "incomplete frame",
        ),
        (|path| std::fs::write(path, "no zstd").unwrap(), ""),
        (
            |path| std::fs::remove_file(path).unwrap(),
            "the file is missing",
        ),
    ];
    for (change, what) in changes {
        let (folder, manifest) = exported().await;
        let name = &manifest.files[1].name;
        change(&folder.path().join(name));
        let faults = faults(&empty, folder.path()).await;
        assert_eq!(&faults[0].file, name);
        assert!(faults[0].what.contains(what), "{what}: {faults:?}");
    }
}

#[tokio::test]
async fn so_many_are_told_and_all_are_counted() {
    let (folder, manifest) = exported().await;
    let empty = servers().database().await.database_url;
    write(
        folder.path(),
        &manifest,
        1,
        &["no JSON".to_owned(), "nor this".to_owned()],
    );
    let printed = folder.path().join("printed");
    let commands = commands(&empty, &printed);
    let path = folder.path().display().to_string();
    let import = ["audit", "import", &path, "--max-errors", "1"];
    assert_eq!(commands.run(&import).await.code(), Some(1));
    let told = commands.printed();
    let name = &manifest.files[1].name;
    assert!(
        told.contains(&format!("{name}, line 1: expected")),
        "{told}"
    );
    assert!(!told.contains("line 2"), "{told}");
    assert!(told.contains("nothing was written."), "{told}");
    std::fs::remove_file(&printed).unwrap();
    let import = ["audit", "import", &path, "--max-errors", "1", "--json"];
    assert_eq!(commands.run(&import).await.code(), Some(1));
    let told: Value = serde_json::from_str(&commands.printed()).unwrap();
    assert_eq!(told["first"].as_array().unwrap().len(), 1);
    assert!(told["count"].as_u64().unwrap() > 1, "{told}");
}
