//! What strangers may take: how often they ask, how long, how much, and from which pages.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use service_kit::door::Door;
use service_kit::limits::Rates;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::{System, shared};

const SHOP: &str = "https://shop.example";

async fn strict() -> System {
    let door = Door {
        rates: Rates {
            requests: 40,
            sign_ins: 5,
        },
        origins: vec![SHOP.parse().unwrap()],
        proxies: vec!["127.0.0.0/8".parse().unwrap()],
    };
    System::behind(door).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_too_often_is_told_when_to_come_again() {
    let system = strict().await;
    let stranger = system.stranger();
    let login = |from: &str| {
        let body = json!({ "email": format!("{}@example.com", Uuid::new_v4()), "password": "x" });
        let from = [("x-forwarded-for", from.to_owned())];
        let stranger = stranger.clone();
        async move { stranger.post_with("/api/auth/login", &from, body).await }
    };
    for _ in 0..5 {
        login("192.0.2.1").await.problem(401, "unauthorized");
    }
    let waits = login("192.0.2.1").await.problem(429, "too-many-requests");
    let seconds: u32 = waits.header("retry-after").parse().unwrap();
    assert!((1..=12).contains(&seconds), "{seconds}");
    login("192.0.2.2").await.problem(401, "unauthorized");
    // Other things may still be asked for, if not without end.
    let from = [("x-forwarded-for", "192.0.2.1".to_owned())];
    let list = || stranger.send(Method::GET, "/api/hotels", &from, None);
    list().await.expect(200);
    let asked = futures::future::join_all((0..200).map(|_| list())).await;
    let refused = asked.iter().filter(|answer| answer.status == 429).count();
    assert!((1..200).contains(&refused), "{refused}");
    system.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_its_own_measure_wherever_it_asks_from() {
    let system = strict().await;
    let client = system.client(&[domain::actor::Role::Admin]);
    let asks = (0..200).map(|number| {
        let from = [("x-forwarded-for", format!("198.51.100.{number}"))];
        let client = client.clone();
        async move { client.send(Method::GET, "/api/hotels", &from, None).await }
    });
    let asked = futures::future::join_all(asks).await;
    let refused = asked.iter().filter(|answer| answer.status == 429).count();
    assert!((1..200).contains(&refused), "{refused}");
    system.stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_origins_read_nothing_unless_named() {
    let system = strict().await;
    let stranger = system.stranger();
    let preflight = async |origin: &str| {
        let headers = [
            ("origin", origin.to_owned()),
            ("access-control-request-method", "PUT".to_owned()),
            (
                "access-control-request-headers",
                "if-match,x-csrf-token".to_owned(),
            ),
        ];
        let path = "/api/auth/me";
        let answer = stranger.send(Method::OPTIONS, path, &headers, None).await;
        answer.headers.get("access-control-allow-origin").cloned()
    };
    assert_eq!(preflight(SHOP).await.unwrap(), SHOP);
    for other in ["https://evil.example", "http://shop.example", "null"] {
        assert_eq!(preflight(other).await, None, "{other}");
    }
    let origin = [("origin", SHOP.to_owned())];
    let answer = stranger
        .send(Method::GET, "/api/hotels", &origin, None)
        .await;
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    let shown = answer.header("access-control-expose-headers");
    assert!(
        shown.contains("consistency-token") && shown.contains("etag"),
        "{shown}"
    );
    system.stop.cancel();
    // Where none is named, none may.
    let answer = shared()
        .stranger()
        .send(Method::GET, "/api/hotels", &origin, None)
        .await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn every_answer_tells_browsers_to_be_careful() {
    for path in ["/api/hotels", "/nothing", "/livez", "/docs/"] {
        let answer = shared().stranger().get(path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
    }
}

/// Sends `text` over a connection of its own, and gives what comes back until it is closed.
async fn raw(text: &str, limit: Duration) -> String {
    let mut stream = TcpStream::connect(shared().address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let closed = timeout(limit, stream.read_to_end(&mut answer)).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    // A connection that is closed while we send is an end too.
    let _read = closed.unwrap_or_else(|_| panic!("not closed within {limit:?}: {answer}"));
    answer
}

#[tokio::test]
async fn who_sends_too_slowly_is_not_waited_for() {
    let head = "POST /api/auth/login HTTP/1.1\r\nhost: x\r\n";
    let limit = Duration::from_secs(45);
    let body = format!("{head}content-type: application/json\r\ncontent-length: 100\r\n\r\n{{");
    let (head, body, nothing) = tokio::join!(raw(head, limit), raw(&body, limit), raw("", limit));
    assert!(body.starts_with("HTTP/1.1 408"), "{body}");
    assert!(body.contains("/problems/body-timed-out"), "{body}");
    assert!(
        head.is_empty() || head.starts_with("HTTP/1.1 408"),
        "{head}"
    );
    assert!(nothing.is_empty(), "{nothing}");
}

#[tokio::test]
async fn heads_and_bodies_have_their_size() {
    let limit = Duration::from_secs(10);
    let many = "a: b\r\n".repeat(70);
    let wide = format!("a: {}\r\n", "b".repeat(200_000));
    for headers in [many, wide] {
        let request = format!("GET /api/hotels HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let answer = raw(&request, limit).await;
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    let body = json!({ "email": "a".repeat(70_000), "password": "x" });
    let answer = shared().stranger().post("/api/auth/login", body).await;
    answer.problem(413, "too-large");
}
