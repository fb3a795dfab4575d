//! `comptoir audit history`, and the same over HTTP.

use domain::actor::Role::Buyer;
use serde_json::json;
use uuid::Uuid;

use super::{admin, audit, audit_at, history, lines, printed, said, stay};
use crate::support::shared;

#[tokio::test]
async fn it_tells_every_event_who_asked_and_in_which_request() {
    let (id, done) = stay().await;
    let text = printed(&audit(&["history", &id.to_string(), "--json"]), 0);
    let told = lines(&text);
    let types: Vec<_> = told.iter().map(|event| event["type"].clone()).collect();
    let expected = ["ReservationBooked", "GuestsCheckedIn", "GuestsCheckedOut"];
    assert_eq!(types, expected);
    for (version, (event, (client, answer))) in (1..).zip(told.iter().zip(&done)) {
        assert_eq!(event["version"], version);
        assert_eq!(event["stream"]["id"], id.to_string());
        assert_eq!(event["stream"]["type"], "hotels.reservation");
        assert_eq!(event["actor"], client.account.to_string());
        assert_eq!(event["request_id"], answer.header("x-request-id"));
        assert_eq!(event["recorded_at"], event["occurred_at"]);
        assert_eq!(event["data"]["type"], event["type"]);
        assert_eq!(event["schema_version"], "1");
    }
    // Over HTTP it is the same, a line an event or a list.
    let path = format!("/api/audit/streams/{id}/history");
    let streamed = admin().get(&path).await.expect(200);
    assert_eq!(streamed.header("content-type"), "application/x-ndjson");
    assert_eq!(streamed.body.as_str().unwrap(), text);
    assert_eq!(history(id).await, told);
    let rest = admin().get(&format!("{path}?after=2")).await.expect(200);
    assert_eq!(rest.body, told[2]);
    let rest = admin().get(&format!("{path}?after=3")).await.expect(200);
    assert_eq!(rest.body, "");
    let none = admin().get(&format!("{path}?after=3&format=json")).await;
    assert_eq!(none.expect(200).body, json!([]));
}

#[tokio::test]
async fn people_get_a_table_narrow_or_wide() {
    let (id, done) = stay().await;
    let id = id.to_string();
    let narrow = printed(&audit(&["history", &id]), 0);
    let narrow: Vec<&str> = narrow.lines().collect();
    assert_eq!(narrow[0], format!("hotels.reservation {id}"));
    assert!(
        narrow[1].starts_with("position  version  recorded"),
        "{narrow:?}"
    );
    assert_eq!(narrow.len(), 2 + 3);
    let buyer = done[0].0.account.to_string();
    assert!(
        narrow[2].contains(&format!("…{}", &buyer[28..])),
        "{narrow:?}"
    );
    assert!(!narrow[2].contains(&buyer) && !narrow[2].contains('{'));
    let widest = narrow.iter().map(|line| line.chars().count()).max();
    assert!(widest.unwrap() <= 120, "{narrow:?}");

    let wide = printed(&audit(&["history", &id, "--wide"]), 0);
    assert!(
        wide.contains(&buyer) && wide.contains(r#""check_in""#),
        "{wide}"
    );
    assert!(wide.contains(&done[0].1.header("x-request-id")), "{wide}");
    assert!(!wide.contains('\u{1b}'), "no colours but for a terminal");

    let part = printed(
        &audit(&["history", &id, "--after", "1", "--limit", "1", "--json"]),
        0,
    );
    assert_eq!(lines(&part)[0]["version"], 2);
    assert_eq!(lines(&part).len(), 1);
    let typed = format!("hotels.reservation/{id}");
    assert_eq!(printed(&audit(&["history", &typed]), 0).lines().count(), 5);
}

#[tokio::test]
async fn what_was_imported_is_told_with_both_times() {
    let id = admin().past_reservation(20, 10, 8).await;
    let told = history(id).await;
    assert_eq!(told[0]["imported"], "true");
    assert!(told[0]["occurred_at"].as_str() < told[0]["recorded_at"].as_str());
    let narrow = printed(&audit(&["history", &id.to_string()]), 0);
    assert!(narrow.contains("(occurred "), "{narrow}");
}

#[tokio::test]
async fn personal_data_stays_sealed_until_it_is_revealed_and_is_told_as_erased() {
    let system = shared();
    let (id, email) = admin().user(&[Buyer]).await;
    let url = &system.databases.database_url;
    let (id, erased) = (id.to_string(), json!({ "personal_of": id, "erased": true }));
    let tell = |reveal: &[&str], with_keys| {
        let arguments = [&["history", &id, "--json"], reveal].concat();
        audit_at(url, with_keys, &arguments)
    };
    for with_keys in [false, true] {
        let sealed = printed(&tell(&[], with_keys), 0);
        assert!(!sealed.contains(&email), "{sealed}");
        assert!(
            lines(&sealed)[0]["data"]["email"]["sealed"].is_string(),
            "{sealed}"
        );
    }
    let over_http = history(id.parse().unwrap()).await;
    assert!(over_http[0]["data"]["email"]["sealed"].is_string());
    let revealed = lines(&printed(&tell(&["--reveal"], true), 0));
    assert_eq!(revealed[0]["data"]["email"]["value"], email);
    let without = tell(&["--reveal"], false);
    printed(&without, 2);
    assert!(
        said(&without).contains("COMPTOIR_PERSONAL_KEYS"),
        "{without:?}"
    );

    system.log.erase(id.parse().unwrap()).await.unwrap();
    let after = lines(&printed(&tell(&["--reveal"], true), 0));
    assert_eq!(after[0]["data"]["email"], erased);
    assert_eq!(after[0]["data"]["name"], erased);
    assert_eq!(after[0]["data"]["roles"], json!(["buyer"]));
}

#[tokio::test]
async fn what_is_not_there_or_no_name_is_said() {
    let unknown = Uuid::now_v7();
    let (id, _) = stay().await;
    let other_type = format!("hotels.hotel/{id}");
    for name in [unknown.to_string(), other_type] {
        for verb in ["history", "state"] {
            let output = audit(&[verb, &name]);
            assert_eq!(printed(&output, 1), "");
            let sentence = format!("There is no stream {name}.\n");
            assert_eq!(said(&output), sentence);
        }
    }
    for name in [
        "",
        "x",
        "hotels/1",
        "/",
        &format!("hotel/{id}"),
        &format!("a.b/{id}x"),
    ] {
        for verb in ["history", "state"] {
            printed(&audit(&[verb, name]), 2);
        }
    }
    let admin = admin();
    for part in ["history", "state"] {
        let path = |id: &str, query: &str| format!("/api/audit/streams/{id}/{part}?{query}");
        let get = async |id: &str, query: &str| admin.get(&path(id, query)).await;
        let id = id.to_string();
        get(&unknown.to_string(), "")
            .await
            .problem(404, "stream-unknown");
        get(&id, "type=hotels.hotel")
            .await
            .problem(404, "stream-unknown");
        get("x", "").await.problem(404, "not-found");
        get(&id, "type=%00").await.problem(400, "malformed");
        get(&id, "more=1").await.problem(400, "unknown-parameter");
        let buyer = shared().client(&[Buyer]).get(&path(&id, "")).await;
        buyer.problem(403, "forbidden");
    }
    let path = format!("/api/audit/streams/{id}/history");
    for query in ["after=-1", "after=x", "format=xml"] {
        let answer = admin.get(&format!("{path}?{query}")).await;
        answer.problem(400, "unknown-parameter");
    }
}
