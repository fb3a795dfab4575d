//! `POST /api/auth/register`

use futures::future::join_all;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{PASSWORD, registered, shown, sign_in};
use crate::support::{idempotent, shared};

const PATH: &str = "/api/auth/register";

fn body(email: &str, role: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "name": "Awa", "role": role })
}

fn address() -> String {
    format!("{}@example.com", Uuid::new_v4())
}

#[tokio::test]
async fn buyers_and_students_confirm_before_they_sign_in() {
    for role in ["buyer", "student"] {
        let email = address();
        let stranger = shared().stranger();
        let made = stranger.post(PATH, body(&email, role)).await.expect(201);
        assert_eq!(made.body["waits_for"], "confirmation");
        let account = shown(&made, made.id()).await;
        assert_eq!(account["roles"], json!([role]));
        assert_eq!(
            (&account["active"], &account["email"]),
            (&json!(false), &json!(email))
        );
        sign_in(&email, PASSWORD)
            .await
            .problem(403, "email-unconfirmed");
        sign_in(&email, "another one")
            .await
            .problem(401, "unauthorized");
    }
}

#[tokio::test]
async fn an_address_has_one_account_whatever_its_form_and_under_races() {
    let name = Uuid::new_v4().simple().to_string();
    let forms = [
        format!("h\u{e9}l\u{e8}ne.{name}@example.com"),
        format!("H\u{c9}L\u{c8}NE.{name}@EXAMPLE.com"),
        format!("he\u{301}le\u{300}ne.{name}@example.com"),
    ];
    let stranger = shared().stranger();
    let tries = forms.iter().cycle().take(9);
    let answers = join_all(tries.map(|form| stranger.post(PATH, body(form, "buyer")))).await;
    let made = answers.iter().filter(|answer| answer.status == 201);
    assert_eq!(made.count(), 1, "{answers:?}");
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.problem(409, "email-taken");
    }
}

#[tokio::test]
async fn other_roles_are_an_admins_to_give() {
    for role in ["admin", "hotelier", "trainer", "analyst"] {
        let answer = shared().stranger().post(PATH, body(&address(), role)).await;
        answer.problem(403, "forbidden");
    }
    let stranger = shared().stranger();
    stranger
        .post(PATH, body(&address(), "king"))
        .await
        .invalid("/role");
}

#[tokio::test]
async fn what_can_never_be_right_is_422() {
    for (field, value, pointer) in [
        ("email", json!("nobody"), "/email"),
        ("password", json!("short"), "/password"),
        ("password", json!("a".repeat(129)), "/password"),
        ("name", json!(" "), "/name"),
        ("message", json!("let me in"), "/message"),
        ("roles", json!(["admin"]), "/roles"),
    ] {
        let mut body = body(&address(), "buyer");
        body[field] = value;
        shared().stranger().post(PATH, body).await.invalid(pointer);
    }
}

#[tokio::test]
async fn a_retry_is_the_same_registration() {
    let (body, key) = (body(&address(), "buyer"), idempotent());
    let stranger = shared().stranger();
    let first = stranger
        .post_with(PATH, std::slice::from_ref(&key), body.clone())
        .await;
    let again = stranger.post_with(PATH, &[key], body).await.expect(201);
    assert_eq!(first.expect(201).body, again.body);
    assert_eq!(again.header("idempotency-replayed"), "true");
}

#[tokio::test]
async fn a_seller_waits_for_an_admin() {
    let (_, email) = registered("seller").await;
    sign_in(&email, PASSWORD).await.problem(403, "forbidden");
}
