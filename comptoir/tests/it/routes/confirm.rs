//! `POST /api/auth/confirm`

use serde_json::json;
use service_kit::derived_token::Purpose;

use super::{PASSWORD, registered, shown, sign_in};
use crate::support::{Answer, shared};

async fn confirm(token: &str) -> Answer {
    let body = json!({ "token": token });
    shared().stranger().post("/api/auth/confirm", body).await
}

#[tokio::test]
async fn who_follows_the_link_may_sign_in() {
    let (id, email) = registered("student").await;
    let token = shared().link(Purpose::ConfirmEmail, id).await;
    let done = confirm(&token).await.expect(200);
    assert_eq!(done.id(), id);
    assert_eq!(shown(&done, id).await["active"], true);
    sign_in(&email, PASSWORD).await.expect(200);
    // Twice is as once.
    assert_eq!(confirm(&token).await.expect(200).version(), done.version());
}

#[tokio::test]
async fn a_token_of_anything_else_is_none() {
    let (id, _) = registered("buyer").await;
    let token = shared().link(Purpose::ConfirmEmail, id).await;
    let (changed, cut) = (token.replacen(&token[..2], "zz", 1), &token[1..]);
    for wrong in [&changed, cut, "", "nonsense", "é\0"] {
        confirm(wrong).await.invalid("/token");
    }
    let reset = json!({ "token": token, "password": PASSWORD });
    let path = "/api/auth/reset-password";
    shared()
        .stranger()
        .post(path, reset)
        .await
        .invalid("/token");
}

#[tokio::test]
async fn another_link_is_sent_when_the_first_was_long_ago_only() {
    let (id, email) = registered("buyer").await;
    let first = shared().link(Purpose::ConfirmEmail, id).await;
    let body = json!({ "email": email });
    let path = "/api/auth/forgot-password";
    shared().stranger().post(path, body).await.expect(200);
    assert_eq!(shared().link(Purpose::ConfirmEmail, id).await, first);
}
