//! Whatever stands in headers and parameters, it is a client's mistake or it is taken.

use domain::actor::Role::Admin;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::{Client, shared};

/// So many values, other ones each time.
fn some<T: std::fmt::Debug>(count: usize, of: impl Strategy<Value = T>) -> Vec<T> {
    let mut runner = TestRunner::new(Config::default());
    let trees = (0..count).map(|_| of.new_tree(&mut runner).unwrap());
    trees.map(|tree| tree.current()).collect()
}

/// A query string of parameters that there are, with values that may be nonsense.
fn query() -> impl Strategy<Value = String> {
    let names = "page page_size cursor ordering search city available_from available_to guests \
         status hotel_id check_in_from check_in_to role active";
    let names: Vec<&str> = names.split_whitespace().collect();
    let likely = "1 0 -1 100 101 true name -name check_in 2026-02-30 2026-01-01 9999-12-31 \
         -262143-01-01 admin pending confirmed %00 %25 %27 eyJsaXN0IjoiIn0";
    let likely: Vec<String> = likely.split_whitespace().map(str::to_owned).collect();
    let value = prop_oneof![
        select(likely),
        "\\PC{0,12}".prop_map(|text| text.bytes().map(|byte| format!("%{byte:02x}")).collect()),
    ];
    let pair = (select(names), value).prop_map(|(name, value)| format!("{name}={value}"));
    vec(pair, 1..4).prop_map(|pairs| pairs.join("&"))
}

#[tokio::test]
async fn any_filters_orderings_and_cursors_are_200_or_400() {
    let admin = shared().client(&[Admin]);
    for query in some(60, query()) {
        for list in [
            "/api/hotels",
            "/api/reservations",
            "/api/admin/users",
            "/api/admin/seller-requests",
            "/api/emails",
        ] {
            let answer = admin.get(&format!("{list}?{query}")).await;
            let status = answer.status.as_u16();
            assert!([200, 400].contains(&status), "{list}?{query} {answer:?}");
        }
    }
}

#[tokio::test]
async fn any_key_is_good_for_one_command_or_400() {
    let admin = shared().client(&[Admin]);
    let body = Client::hotel_body(1).to_string().into_bytes();
    let keys = prop_oneof!["[!-~]{1,40}", "[ -~]{0,40}", "[!-~]{250,260}"];
    for key in some(24, keys) {
        // What is around a header's value is no part of it.
        let fits = (1..=255).contains(&key.trim().len()) && !key.trim().contains(' ');
        let headers = [("idempotency-key", key.clone())];
        let path = "/api/hotels";
        let send = async || {
            let body = Some(body.clone());
            admin.send(Method::POST, path, &headers, body).await
        };
        let first = send().await;
        if !fits {
            first.problem(400, "malformed");
            continue;
        }
        let (first, again) = (first.expect(201), send().await.expect(201));
        assert_eq!(again.id(), first.id(), "{key:?}");
        assert_eq!(again.header("idempotency-replayed"), "true");
    }
}

#[tokio::test]
async fn any_header_is_taken_or_refused() {
    let admin = shared().client(&[Admin]);
    let names = "authorization cookie idempotency-key if-match if-none-match occurred-at \
         consistency-token prefer accept-language traceparent x-request-id x-csrf-token \
         content-type x-forwarded-for";
    let names: Vec<&str> = names.split_whitespace().collect();
    let value = prop_oneof!["[ -~]{0,60}", "\"[0-9]{1,22}\"", "[A-Za-z0-9_-]{0,80}"];
    let wait = "wait=-?[0-9]{1,22}";
    let header = (select(names), prop_oneof![4 => value, 1 => wait]);
    let unknown = format!("/api/reservations/{}/cancel", Uuid::nil());
    for (name, value) in some(120, header) {
        let headers = [(name, value)];
        let list = admin.send(Method::GET, "/api/hotels", &headers, None).await;
        let order = admin.send(Method::POST, &unknown, &headers, None).await;
        let body = Some(json!({ "email": "nobody" }).to_string().into_bytes());
        let path = "/api/auth/forgot-password";
        let with_body = admin.send(Method::POST, path, &headers, body).await;
        for answer in [list, order, with_body] {
            assert!(answer.status.as_u16() < 500, "{headers:?} {answer:?}");
        }
    }
}
