//! The same over HTTP, for admins.

use domain::actor::Role::{Admin, Hotelier};
use event_store::tree::{checkpoints, origin};
use proofs::{Proof, check};
use serde_json::Value;

use super::{keys, signed};
use crate::support::{Answer, Client, System};
use comptoir::contexts::Contexts;

fn text(answer: Answer) -> String {
    match answer.expect(200).body {
        Value::String(text) => text,
        json => json.to_string(),
    }
}

/// The lines of an answer that is streamed.
async fn lines(admin: &Client, path: &str) -> Vec<Value> {
    let text = text(admin.get(path).await);
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_verifies_and_proves() {
    let system = System::start(Contexts::all()).await;
    let (admin, hotelier) = (system.client(&[Admin]), system.client(&[Hotelier]));
    let hotel = hotelier.hotel(3).await;
    let log = system.log.pool();
    admin
        .get("/api/audit/checkpoint")
        .await
        .problem(404, "checkpoint-unknown");
    admin
        .get("/api/audit/events/1/proof")
        .await
        .problem(409, "not-covered");
    let size = signed(log).await;
    hotelier.book(hotel, 3, 5).await.expect(201);

    let name = origin(keys().name(), system.log.epoch());
    let key = keys().verifiers(&name).unwrap().remove(0);
    let path = |key: &str| format!("/api/audit/verify?key={}", key.replace('+', "%2B"));
    let told = lines(&admin, &path(&key.to_string())).await;
    let report = &told.last().unwrap()["report"];
    assert_eq!(report["faults"], serde_json::json!([]), "{report}");
    assert_eq!(
        (&report["honoured"], &report["unsigned"]),
        (&1.into(), &0.into())
    );
    admin
        .get("/api/audit/verify?key=none")
        .await
        .problem(400, "malformed");

    for event in [size.to_string(), "1".to_owned()] {
        let answer = admin
            .get(&format!("/api/audit/events/{event}/proof?with_event=true"))
            .await;
        let proof = Proof::parse(&text(answer)).unwrap();
        check(&proof, &key).unwrap();
    }
    admin
        .get("/api/audit/events/99999/proof")
        .await
        .problem(404, "event-unknown");
    admin
        .get("/api/audit/events/what/proof")
        .await
        .problem(400, "malformed");
    let later = signed(log).await;
    let path = format!("/api/audit/consistency?from={size}&to={later}");
    let proof = Proof::parse(&text(admin.get(&path).await)).unwrap();
    check(&proof, &key).unwrap();
    admin
        .get("/api/audit/consistency?from=2")
        .await
        .problem(404, "checkpoint-unknown");
    let path = format!("/api/audit/consistency?from={later}&to={size}");
    admin.get(&path).await.problem(400, "malformed");
    let all = admin.get("/api/audit/checkpoints").await.expect(200);
    assert_eq!(all.body["results"].as_array().unwrap().len(), 2);
    let note = text(admin.get("/api/audit/checkpoint").await);
    let last = checkpoints(log, later, later, None).await.unwrap();
    assert_eq!(note, last[0].note);
}
