//! Proofs by the command line, checked without the database.

use event_store::tree::checkpoints;
use proofs::{InclusionProof, Proof};

use super::{add, asked, signed};
use crate::log::open;
use crate::support::servers;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn proofs_are_checked_by_whoever_has_the_key() {
    let url = servers().database().await.database_url;
    let log = open(&url).await;
    let url = Some(url.as_str());
    add(&log, 100).await;
    let (exit, told, _) = asked(url, &["checkpoint"]).await;
    assert_eq!(exit, 0);
    assert_eq!(told.lines().nth(1), Some("300"));
    add(&log, 100).await;
    let (exit, _, why) = asked(url, &["prove", "450"]).await;
    assert_eq!(
        (exit, why.contains("o checkpoint covers position 450")),
        (1, true),
        "{why}"
    );
    assert_eq!(asked(url, &["checkpoint"]).await.0, 0);

    let (_, key, _) = asked(url, &["key"]).await;
    let key = key.trim();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("proof.json");
    let file = file.to_str().unwrap();
    // By position, by id, with the event in it.
    let event: uuid::Uuid = sqlx::query_scalar("SELECT event_id FROM events WHERE position = 450")
        .fetch_one(log.pool())
        .await
        .unwrap();
    for event in [
        &["450"][..],
        &[&event.to_string()],
        &["450", "--with-event"],
    ] {
        let arguments = [&["prove", "--out", file][..], event].concat();
        assert_eq!(asked(url, &arguments).await.0, 0);
        let (exit, told, _) = asked(None, &["check", file, "--key", key]).await;
        assert_eq!(exit, 0);
        assert!(told.starts_with("Proved: position 450 of tests/"), "{told}");
    }
    let json = asked(None, &["check", file, "--key", key, "--json"])
        .await
        .1;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&json["position"], &json["size"]),
        (&450.into(), &600.into())
    );

    // Another place, another key, no proof at all.
    let Proof::Inclusion(proof) = Proof::parse(&std::fs::read_to_string(file).unwrap()).unwrap()
    else {
        panic!("another proof")
    };
    let moved = Proof::Inclusion(InclusionProof {
        position: 449,
        ..proof
    });
    std::fs::write(file, moved.to_json().unwrap()).unwrap();
    let (exit, told, _) = asked(None, &["check", file, "--key", key]).await;
    assert_eq!(
        (exit, told.starts_with("Not proved: ")),
        (1, true),
        "{told}"
    );
    std::fs::write(file, "{}").unwrap();
    assert_eq!(asked(None, &["check", file, "--key", key]).await.0, 1);
    assert_eq!(asked(None, &["check", file, "--key", "no key"]).await.0, 2);

    let arguments = ["prove-consistency", "--from", "300", "--out", file];
    assert_eq!(asked(url, &arguments).await.0, 0);
    let (exit, told, _) = asked(None, &["check", file, "--key", key]).await;
    assert_eq!(
        (exit, told.contains("only grew from size 300")),
        (0, true),
        "{told}"
    );
    let (exit, _, why) = asked(url, &["prove-consistency", "--from", "299"]).await;
    assert_eq!(
        (exit, why.contains("o checkpoint was signed of size 299")),
        (1, true),
        "{why}"
    );
    assert_eq!(asked(url, &["prove", "9999"]).await.0, 1);
    assert_eq!(asked(url, &["prove", "what"]).await.0, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_exits_as_it_finds() {
    let url = servers().database().await.database_url;
    let log = open(&url).await;
    add(&log, 20).await;
    signed(log.pool()).await;
    let (exit, told, _) = asked(Some(&url), &["verify"]).await;
    assert_eq!(exit, 0, "{told}");
    assert!(
        told.contains("60 events") && told.contains("1 checkpoints are honoured"),
        "{told}"
    );
    sqlx::query("UPDATE events SET payload = '{}' WHERE position = 7")
        .execute(log.pool())
        .await
        .unwrap();
    let (exit, told, _) = asked(Some(&url), &["verify"]).await;
    assert_eq!(exit, 1);
    assert!(
        told.contains("WRONG: position 7: the event was altered."),
        "{told}"
    );
    let (exit, told, _) = asked(Some(&url), &["verify", "--json"]).await;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((exit, &told["faults"][0]["position"]), (1, &7.into()));
    assert_eq!(
        checkpoints(log.pool(), 0, u64::MAX, None)
            .await
            .unwrap()
            .len(),
        1
    );
    let away = "postgres://nobody@127.0.0.1:1/none";
    assert_eq!(asked(Some(away), &["verify"]).await.0, 2);
}
