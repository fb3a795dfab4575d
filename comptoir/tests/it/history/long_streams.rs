//! Streams of several pages, old events, and what an append could not have made.

use audit::streams::{self, At, Error, History, Stream, StreamName};
use axum::extract::State;
use domain::streams::{StreamId, StreamKind};
use event_store::{Log, database};
use futures::StreamExt;
use read_api::audit::history::show_stream;
use serde_json::{Value, json};
use service_kit::extract::{Path, Query};
use uuid::Uuid;

use super::{audit_at, lines, own_log, printed, said};
use crate::shop::old_rows;
use crate::shop::shop_aggregate::Shop;
use crate::support::shared;

async fn find(log: &Log, name: &str) -> Result<Stream, Error> {
    let name: StreamName = name.parse().unwrap();
    Stream::find(log.pool(), &name).await
}

#[tokio::test]
async fn old_events_are_told_as_stored_and_folded_as_of_today() {
    let (log, url) = own_log().await;
    let id = Uuid::now_v7();
    let mut events = vec![("ShopOpened", r#"{"type":"ShopOpened"}"#)];
    events.extend([("PeopleCame", r#"{"type":"PeopleCame","count":2}"#); 449]);
    old_rows::insert(&log, StreamId::of::<Shop>(id), &events).await;
    let stream = find(&log, &id.to_string()).await.unwrap();

    // Page by page, and not more at once than there is room for.
    let mut history = History::new(log.pool(), stream.clone(), 1, Some(401), None);
    let (mut told, mut pages) = (Vec::new(), Vec::new());
    loop {
        let page = history.next().await.unwrap();
        if page.is_empty() {
            break;
        }
        pages.push(page.len());
        told.extend(page);
    }
    assert_eq!(pages, [200, 200, 1]);
    let versions: Vec<i64> = told.iter().map(|entry| entry.version).collect();
    assert_eq!(versions, (2..=402).collect::<Vec<_>>());
    assert_eq!(told[0].data.get(), r#"{"type":"PeopleCame","count":2}"#);
    let printed_lines = lines(&printed(
        &audit_at(&url, false, &["history", &id.to_string(), "--json"]),
        0,
    ));
    assert_eq!(printed_lines.len(), 450);

    // Upcast where it is folded, at any version.
    let kinds = [StreamKind::of::<Shop>()];
    for (version, visitors) in [(1, 0), (200, 398), (201, 400), (450, 898)] {
        let at = At::Version(version);
        let stood = streams::at(log.pool(), &kinds, stream.clone(), at, None).await;
        let stood = stood.unwrap().unwrap();
        let state: Value = serde_json::from_str(stood.state.get()).unwrap();
        assert_eq!(state, json!({ "doors": 1, "visitors": visitors }));
        assert_eq!(stood.version, version);
    }
    let fewer = streams::at(log.pool(), &kinds, stream.clone(), At::Version(451), None).await;
    assert!(fewer.unwrap().is_none());

    // The program itself has no shops.
    let unknown = audit_at(&url, false, &["state", &id.to_string()]);
    printed(&unknown, 2);
    assert!(
        said(&unknown).contains("knows no aggregate toys.shop"),
        "{unknown:?}"
    );
}

/// What is sent page by page is all of it, and between two pages nothing of the database is held.
#[tokio::test]
async fn a_client_that_stops_reading_holds_no_connection() {
    let (log, url) = own_log().await;
    let id = Uuid::now_v7();
    let events = [("PeopleCame", r#"{"type":"PeopleCame","count":2}"#); 450];
    old_rows::insert(&log, StreamId::of::<Shop>(id), &events).await;
    for (format, commas) in [("ndjson", 0), ("json", 449)] {
        let app = read_api::App {
            log: database::pool(&url, "log", 1).unwrap(),
            ..shared().queries.clone()
        };
        let only = app.log.clone();
        let asked = serde_json::from_value(json!({ "format": format })).unwrap();
        let response = show_stream(State(app), Path(id), Query(asked))
            .await
            .unwrap();
        let mut body = response.into_body().into_data_stream();
        let mut whole = body.next().await.unwrap().unwrap().to_vec();
        let one: i64 = sqlx::query_scalar("SELECT 1::bigint")
            .fetch_one(&only)
            .await
            .unwrap();
        assert_eq!(one, 1);
        while let Some(chunk) = body.next().await {
            whole.extend(chunk.unwrap());
        }
        let whole = String::from_utf8(whole).unwrap();
        let told: Vec<Value> = match format {
            "json" => serde_json::from_str(&whole).unwrap(),
            _ => lines(&whole),
        };
        let versions: Vec<_> = told
            .iter()
            .map(|one| one["version"].as_i64().unwrap())
            .collect();
        assert_eq!(versions, (1..=450).collect::<Vec<_>>());
        assert_eq!(whole.matches("},\n{").count(), commas);
    }
}

/// Such logs are of other hands: an append gives an id to one aggregate, and leaves no hole.
#[tokio::test]
async fn two_aggregates_of_one_id_and_a_missing_event_are_said() {
    let (log, url) = own_log().await;
    let (id, holed) = (Uuid::now_v7(), Uuid::now_v7());
    let opened = ("ShopOpened", r#"{"type":"ShopOpened"}"#);
    for id in [id, holed] {
        old_rows::insert(&log, StreamId::of::<Shop>(id), &[opened; 3]).await;
    }
    let tamper = "UPDATE events SET aggregate_type = 'toys.stall' \
         WHERE aggregate_id = $1 AND sequence = 3";
    sqlx::query(tamper)
        .bind(id)
        .execute(log.pool())
        .await
        .unwrap();
    let remove = "DELETE FROM events WHERE aggregate_id = $1 AND sequence = 2";
    sqlx::query(remove)
        .bind(holed)
        .execute(log.pool())
        .await
        .unwrap();

    for verb in ["history", "state"] {
        let ambiguous = audit_at(&url, false, &[verb, &id.to_string()]);
        printed(&ambiguous, 1);
        let expected = format!(
            "{id} has events of toys.shop and of toys.stall: name one of them, as in toys.shop/{id}."
        );
        assert_eq!(said(&ambiguous).trim_end(), expected);
    }
    for (name, events) in [("toys.shop", 2), ("toys.stall", 1)] {
        let name = format!("{name}/{id}");
        let told = audit_at(&url, false, &["history", &name, "--json"]);
        assert_eq!(lines(&printed(&told, 0)).len(), events);
    }
    let kinds = [StreamKind::of::<Shop>()];
    let stream = find(&log, &holed.to_string()).await.unwrap();
    let error = streams::at(log.pool(), &kinds, stream, At::Now, None).await;
    let error = error.unwrap_err().to_string();
    assert!(error.starts_with("event 2 of the stream"), "{error}");
}
