//! What all commands and queries share.

use chrono::{TimeDelta, Utc};
use domain::actor::Role::{Admin, Buyer, Hotelier};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Client, idempotent, shared};

#[tokio::test]
async fn a_retry_with_its_key_gets_the_first_answer() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(5).await;
    let path = format!("/api/hotels/{hotel}/reservations");
    let (key, body) = ([idempotent()], Client::booking_body(10, 12));
    let first = hotelier
        .post_with(&path, &key, body.clone())
        .await
        .expect(201);
    let again = hotelier.post_with(&path, &key, body).await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(first.header("idempotency-replayed"), "");
    assert_eq!(again.body, first.body);
    for header in ["etag", "location", "consistency-token"] {
        assert_eq!(again.header(header), first.header(header));
    }
    assert_eq!(hotelier.reserved(&first, hotel, 10).await, 1, "booked once");
}

#[tokio::test]
async fn a_key_with_another_body_or_path_is_422_and_is_its_callers_own() {
    let (hotelier, buyer) = (shared().client(&[Hotelier]), shared().client(&[Buyer]));
    let hotel = hotelier.hotel(5).await;
    let path = format!("/api/hotels/{hotel}/reservations");
    let key = [idempotent()];
    let booked = hotelier
        .post_with(&path, &key, Client::booking_body(10, 12))
        .await
        .expect(201);
    let other = Client::booking_body(10, 13);
    hotelier
        .post_with(&path, &key, other.clone())
        .await
        .invalid("Idempotency-Key");
    let cancel = format!("/api/reservations/{}/cancel", booked.id());
    let cancelled = hotelier.send(Method::POST, &cancel, &key, None).await;
    cancelled.invalid("Idempotency-Key");
    let answer = buyer.post_with(&path, &key, other).await.expect(201);
    assert_eq!(answer.header("idempotency-replayed"), "");
}

#[tokio::test]
async fn a_refusal_is_not_kept() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(1).await;
    let taken = hotelier.book(hotel, 10, 12).await.expect(201);
    let path = format!("/api/hotels/{hotel}/reservations");
    let (key, body) = ([idempotent()], Client::booking_body(10, 12));
    hotelier
        .post_with(&path, &key, body.clone())
        .await
        .problem(409, "no-room-available");
    let cancel = format!("/api/reservations/{}/cancel", taken.id());
    hotelier.order(&cancel).await.expect(200);
    hotelier.post_with(&path, &key, body).await.expect(201);
}

#[tokio::test]
async fn twenty_retries_at_once_book_once() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(50).await;
    let path = format!("/api/hotels/{hotel}/reservations");
    let (key, body) = ([idempotent()], Client::booking_body(10, 12));
    let tries = (0..20).map(|_| hotelier.post_with(&path, &key, body.clone()));
    let answers = futures::future::join_all(tries).await;
    let id = answers[0].id();
    for answer in &answers {
        assert_eq!((answer.status.as_u16(), answer.id()), (201, id));
    }
    let replayed =
        |answer: &&crate::support::Answer| answer.header("idempotency-replayed") == "true";
    assert_eq!(answers.iter().filter(replayed).count(), 19);
    assert_eq!(hotelier.reserved(&answers[0], hotel, 10).await, 1);
}

#[tokio::test]
async fn a_stale_version_is_412_and_the_right_one_is_not() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(5).await;
    let path = format!("/api/hotels/{hotel}");
    let body = |name: &str| {
        let mut body = Client::hotel_body(5);
        body["name"] = json!(name);
        Some(body.to_string().into_bytes())
    };
    let at = |tag: &str| [("if-match", tag.to_owned())];
    let change = |tag: &str, name: &str| {
        let (headers, body, client, path) = (at(tag), body(name), hotelier.clone(), path.clone());
        async move { client.send(Method::PUT, &path, &headers, body).await }
    };
    let changed = change("\"1\"", "Second").await.expect(200);
    assert_eq!(changed.header("etag"), "\"2\"");
    change("\"1\"", "Third").await.problem(412, "stale-version");
    // A booking is on streams of its own: it makes no edit of the hotel stale.
    hotelier.book(hotel, 10, 12).await.expect(201);
    let shown = hotelier.get_after(&changed, &path).await.expect(200);
    change(&shown.header("etag"), "Third").await.expect(200);
    for bad in ["1", "\"x\"", "W/\"1\"", "\"1\", \"2\""] {
        change(bad, "Fourth").await.problem(400, "malformed");
    }
}

#[tokio::test]
async fn a_query_waits_for_its_token_or_says_503() {
    let hotelier = shared().client(&[Hotelier]);
    for _ in 0..20 {
        let hotel = hotelier.hotel(5).await;
        let booked = hotelier.book(hotel, 10, 12).await.expect(201);
        let path = format!("/api/reservations/{}", booked.id());
        hotelier.get_after(&booked, &path).await.expect(200);
    }
    // A position that is not there yet, in the place of one that is.
    let token = booked_far_ahead();
    let headers = [
        ("consistency-token", token),
        ("prefer", "wait=0".to_owned()),
    ];
    let late = hotelier
        .send(Method::GET, "/api/hotels", &headers, None)
        .await;
    let late = late.problem(503, "not-yet-visible");
    assert_eq!(late.header("retry-after"), "1");
    let other = service_kit::consistency::ConsistencyToken::new(Uuid::nil(), vec![]);
    for bad in ["nonsense".to_owned(), other.encode()] {
        let headers = [("consistency-token", bad)];
        let answer = hotelier
            .send(Method::GET, "/api/hotels", &headers, None)
            .await;
        answer.problem(400, "malformed");
    }
}

fn booked_far_ahead() -> String {
    use service_kit::consistency::{ConsistencyToken, Place};
    let place = Place {
        context: "hotels".to_owned(),
        partition: 0,
        position: i64::MAX,
    };
    ConsistencyToken::new(shared().log.epoch(), vec![place]).encode()
}

#[tokio::test]
async fn an_answer_that_is_known_is_304() {
    let hotelier = shared().client(&[Hotelier]);
    let hotel = hotelier.hotel(5).await;
    let booked = hotelier.book(hotel, 10, 12).await.expect(201);
    let path = format!("/api/reservations/{}", booked.id());
    let shown = hotelier.get_after(&booked, &path).await.expect(200);
    assert_eq!(shown.header("etag"), "\"1\"");
    let list = format!("/api/reservations?hotel_id={hotel}");
    for path in [path, list, format!("/api/hotels/{hotel}")] {
        let tag = hotelier.get(&path).await.expect(200).header("etag");
        let headers = [("if-none-match", format!("\"other\", {tag}"))];
        let answer = hotelier
            .send(Method::GET, &path, &headers, None)
            .await
            .expect(304);
        assert_eq!(answer.header("etag"), tag);
    }
}

#[tokio::test]
async fn history_is_an_admins_to_import_in_order_and_never_ahead() {
    let (admin, hotelier) = (shared().client(&[Admin]), shared().client(&[Hotelier]));
    let at = |time: chrono::DateTime<Utc>| [("occurred-at", time.to_rfc3339())];
    let long_ago = Utc::now() - TimeDelta::days(400);
    let body = Client::hotel_body(1);
    let refused = hotelier
        .post_with("/api/hotels", &at(long_ago), body.clone())
        .await;
    refused.problem(403, "forbidden");
    let ahead = Utc::now() + TimeDelta::minutes(5);
    let refused = admin
        .post_with("/api/hotels", &at(ahead), body.clone())
        .await;
    refused.invalid("Occurred-At");
    let hotel = admin
        .post_with("/api/hotels", &at(long_ago), body)
        .await
        .created();
    let path = format!("/api/hotels/{hotel}/reservations");
    let day = |days: i64| (long_ago + TimeDelta::days(days)).date_naive();
    let mut booking = Client::booking_body(0, 1);
    booking["check_in"] = json!(day(5));
    booking["check_out"] = json!(day(7));
    // The rules see that time, so the stay lies ahead.
    let before = long_ago - TimeDelta::seconds(1);
    let refused = admin.post_with(&path, &at(before), booking.clone()).await;
    refused.invalid("Occurred-At");
    let booked = admin
        .post_with(&path, &at(long_ago), booking)
        .await
        .expect(201);
    let history = format!("/api/reservations/{}/history", booked.id());
    let shown = admin.get_after(&booked, &history).await.expect(200);
    let event = &shown.body["events"][0];
    let occurred: chrono::DateTime<Utc> = event["occurred_at"].as_str().unwrap().parse().unwrap();
    let recorded: chrono::DateTime<Utc> = event["recorded_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(occurred.timestamp(), long_ago.timestamp());
    assert!(recorded > Utc::now() - TimeDelta::minutes(5));
    assert_eq!(event["metadata"]["imported"], "true");
}

#[tokio::test]
async fn bad_requests_are_problems_and_never_500() {
    let hotelier = shared().client(&[Hotelier]);
    let send = |body: &[u8], headers: Vec<(&'static str, String)>| {
        let (client, body) = (hotelier.clone(), body.to_vec());
        async move {
            client
                .send(Method::POST, "/api/hotels", &headers, Some(body))
                .await
        }
    };
    for malformed in [
        &b""[..],
        b"{",
        b"nonsense",
        b"\xff\xfe",
        b"{} {}",
        b"[1,",
        b"\"\\ud800\"",
    ] {
        let answer = send(malformed, vec![]).await;
        assert!([400, 422].contains(&answer.status.as_u16()), "{answer:?}");
    }
    send(b"{", vec![]).await.problem(400, "malformed");
    for shape in [&b"[]"[..], b"null", b"{}", b"7"] {
        send(shape, vec![]).await.problem(422, "validation");
    }
    let deep = [vec![b'['; 30_000], vec![b']'; 30_000]].concat();
    assert!(send(&deep, vec![]).await.status.is_client_error());
    let huge = vec![b' '; 70_000];
    send(&huge, vec![]).await.problem(413, "too-large");
    let text = vec![("content-type", "text/plain".to_owned())];
    send(b"{}", text)
        .await
        .problem(415, "unsupported-media-type");
    let long_key = vec![("idempotency-key", "k".repeat(256))];
    let body = Client::hotel_body(1).to_string().into_bytes();
    send(&body, long_key).await.problem(400, "malformed");
    let bad_time = vec![("occurred-at", "yesterday".to_owned())];
    let admin = shared().client(&[Admin]);
    let answer = admin
        .send(Method::POST, "/api/hotels", &bad_time, Some(body))
        .await;
    answer.problem(400, "malformed");
    hotelier.get("/api/nothing").await.problem(404, "not-found");
    hotelier
        .delete("/api/hotels")
        .await
        .problem(405, "method-not-allowed");
    hotelier
        .get("/api/hotels/not-an-id")
        .await
        .problem(404, "not-found");
    hotelier
        .get("/api/hotels?colour=blue")
        .await
        .problem(400, "unknown-parameter");
    hotelier
        .get("/api/hotels?ordering=colour")
        .await
        .problem(400, "unknown-ordering");
    for bad in [
        "page=0",
        "page_size=101",
        "page=x",
        "page=2147483648",
        "page=99999999999",
        "search=%00",
        "guests=0",
    ] {
        let answer = hotelier.get(&format!("/api/hotels?{bad}")).await;
        assert_eq!(answer.status.as_u16(), 400, "{bad} {answer:?}");
    }
    let past_the_end = hotelier
        .get("/api/hotels?page=2147483647&page_size=100")
        .await;
    assert_eq!(past_the_end.expect(200).body["results"], json!([]));
    for dates in ["-262143-01-01", "+262142-12-31", "0000-01-01", "9999-12-31"] {
        let path = format!("/api/reservations?check_in_from={dates}&check_in_to={dates}");
        let answer = hotelier.get(&path.replace('+', "%2B")).await;
        assert!(answer.status.as_u16() < 500, "{dates} {answer:?}");
        let hotel = hotelier.hotel(1).await;
        let mut booking = Client::booking_body(1, 2);
        booking["check_in"] = json!(dates);
        booking["check_out"] = json!(dates);
        let path = format!("/api/hotels/{hotel}/reservations");
        assert!(hotelier.post(&path, booking).await.status.is_client_error());
    }
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let stranger = shared().stranger();
    let headers = [("x-request-id", "my-request-17".to_owned())];
    let answer = stranger
        .send(Method::GET, "/api/hotels", &headers, None)
        .await;
    assert_eq!(answer.header("x-request-id"), "my-request-17");
    assert!(
        !stranger
            .get("/api/hotels")
            .await
            .header("x-request-id")
            .is_empty()
    );
}
