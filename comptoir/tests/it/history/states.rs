//! `comptoir audit state`, and the same over HTTP.

use chrono::{DateTime, TimeDelta, Utc};
use domain::actor::Role::Buyer;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{admin, audit, audit_at, history, printed, said, stay};
use crate::support::shared;

/// A state by the command line; the same over HTTP.
async fn state(id: Uuid, at: &str, occurred: bool) -> Option<Value> {
    let name = id.to_string();
    let mut arguments = vec!["state", &name, "--json", "--at", at];
    arguments.extend(occurred.then_some("--occurred"));
    let output = audit(&arguments);
    let at = at.replace('+', "%2B");
    let path = format!("/api/audit/streams/{id}/state?at={at}&occurred={occurred}");
    let answer = admin().get(&path).await;
    if output.status.code() == Some(1) {
        answer.problem(404, "stream-unknown");
        return None;
    }
    let told: Value = serde_json::from_str(&printed(&output, 0)).unwrap();
    assert_eq!(answer.expect(200).body, told);
    Some(told)
}

#[tokio::test]
async fn it_is_as_it_stood_at_each_version_and_time() {
    let (id, _) = stay().await;
    let told = history(id).await;
    let statuses = ["confirmed", "checked_in", "checked_out"];
    for (event, status) in told.iter().zip(statuses) {
        let version = event["version"].to_string();
        let time = event["recorded_at"].as_str().unwrap();
        for at in [version.as_str(), time] {
            let stood = state(id, at, false).await.unwrap();
            assert_eq!(stood["state"]["status"], status, "{stood}");
            assert_eq!(stood["position"], event["position"]);
            assert_eq!(stood["recorded_at"], event["recorded_at"]);
            assert_eq!(stood["version"].to_string(), version);
        }
    }
    // Just before an event, it is not in it; before the first there is nothing.
    let before = |event: &Value| {
        let time: DateTime<Utc> = event["recorded_at"].as_str().unwrap().parse().unwrap();
        (time - TimeDelta::microseconds(1)).to_rfc3339()
    };
    let stood = state(id, &before(&told[1]), false).await.unwrap();
    assert_eq!(stood["state"]["status"], "confirmed");
    assert_eq!(state(id, &before(&told[0]), false).await, None);
    assert_eq!(state(id, "4", false).await, None);

    let now = audit(&["state", &id.to_string()]);
    let now = printed(&now, 0);
    assert!(
        now.starts_with(&format!("hotels.reservation {id}\nversion 3, ")),
        "{now}"
    );
    assert!(now.contains(r#""status": "checked_out""#), "{now}");
    let gone = audit(&["state", &id.to_string(), "--at", "9"]);
    assert_eq!(said(&gone), format!("The stream {id} has no version 9.\n"));
}

#[tokio::test]
async fn a_time_means_what_was_recorded_or_what_had_happened() {
    let id = admin().past_reservation(20, 10, 8).await;
    let path = format!("/api/reservations/{id}/check-in");
    admin().order_at(&path, 10).await.expect(200);
    let days_ago = |days| (Utc::now() - TimeDelta::days(days)).to_rfc3339();
    for (days, status) in [(15, Some("confirmed")), (9, Some("checked_in")), (21, None)] {
        let time = days_ago(days);
        let happened = state(id, &time, true).await;
        let told = happened
            .as_ref()
            .map(|stood| stood["state"]["status"].clone());
        assert_eq!(told, status.map(|status| json!(status)), "{days}");
        // None of it was known then.
        assert_eq!(state(id, &time, false).await, None);
    }
}

#[tokio::test]
async fn what_is_personal_is_sealed_revealed_or_erased() {
    let (id, email) = admin().user(&[Buyer]).await;
    let url = &shared().databases.database_url;
    let name = id.to_string();
    let stood = |arguments: &[&str], with_keys| -> Value {
        let arguments = [&["state", &name, "--json"], arguments].concat();
        let output = audit_at(url, with_keys, &arguments);
        serde_json::from_str(&printed(&output, 0)).unwrap()
    };
    let sealed = json!({ "personal_of": id, "sealed": true });
    assert_eq!(stood(&[], false)["state"]["email"], sealed);
    assert_eq!(stood(&[], true)["state"]["email"], sealed);
    let path = format!("/api/audit/streams/{id}/state");
    let over_http = admin().get(&path).await.expect(200).body;
    assert_eq!(over_http["state"]["email"], sealed);
    let revealed = stood(&["--reveal"], true);
    assert_eq!(revealed["state"]["email"]["value"], email);

    shared().log.erase(id).await.unwrap();
    let erased = json!({ "personal_of": id, "erased": true });
    // What it was before is gone, too.
    for arguments in [&["--reveal"][..], &["--reveal", "--at", "1"]] {
        let after = stood(arguments, true);
        assert_eq!(after["state"]["email"], erased);
        assert_eq!(after["state"]["name"], erased);
        assert_eq!(after["state"]["roles"], json!(["buyer"]));
    }
}

#[tokio::test]
async fn what_is_no_moment_is_said() {
    let (id, _) = stay().await;
    let name = id.to_string();
    for at in ["0", "-1", "yesterday", "", "2026-13-01T00:00:00Z", "1.5"] {
        let at_flag = format!("--at={at}");
        printed(&audit(&["state", &name, &at_flag]), 2);
        let path = format!("/api/audit/streams/{id}/state?at={at}");
        admin().get(&path).await.problem(400, "malformed");
    }
    printed(&audit(&["state", &name, "--at", "1", "--occurred"]), 2);
    printed(&audit(&["state", &name, "--occurred"]), 2);
    let path = format!("/api/audit/streams/{id}/state?at=1&occurred=true");
    admin().get(&path).await.problem(400, "malformed");
    let path = format!("/api/audit/streams/{id}/state?occurred=perhaps");
    admin().get(&path).await.problem(400, "unknown-parameter");
    // Far away in either direction is no fault.
    for (at, there) in [
        ("0001-01-01T00:00:00Z", false),
        ("9999-12-31T23:59:59Z", true),
    ] {
        assert_eq!(state(id, at, false).await.is_some(), there);
        assert_eq!(state(id, at, true).await.is_some(), there);
    }
}

/// One of every context, so that each of its aggregates' states is JSON.
#[tokio::test]
async fn every_aggregate_of_the_shared_log_can_be_folded() {
    let (id, _) = stay().await;
    let known = domain::aggregates();
    let known: Vec<&str> = known.iter().map(|kind| kind.aggregate_type).collect();
    let all = "SELECT aggregate_type, (array_agg(aggregate_id))[1] FROM events \
         WHERE aggregate_type = ANY($1) GROUP BY 1";
    let all: Vec<(String, Uuid)> = sqlx::query_as(all)
        .bind(known)
        .fetch_all(shared().log.pool())
        .await
        .unwrap();
    assert!(all.len() >= 3, "{id}: {all:?}");
    for (aggregate_type, id) in all {
        let path = format!("/api/audit/streams/{id}/state?type={aggregate_type}");
        let stood = admin().get(&path).await.expect(200).body;
        assert!(!stood["state"].is_null(), "{stood}");
    }
}
