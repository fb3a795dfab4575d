//! `POST /api/auth/me/erasure`

use chrono::{TimeDelta, Utc};
use domain::actor::Role::Admin;
use serde_json::{Value, json};

use super::{PASSWORD, client_of, confirmed, refresh, shown, sign_in, text};
use crate::support::shared;

const PATH: &str = "/api/auth/me/erasure";

#[tokio::test]
async fn who_is_erased_is_gone_and_the_address_is_free() {
    let (id, email) = confirmed().await;
    let signed_in = sign_in(&email, PASSWORD).await.expect(200);
    let client = client_of(&signed_in);
    let wrong = json!({ "password": "a wrong one" });
    client.post(PATH, wrong).await.invalid("/password");
    let body = json!({ "password": PASSWORD });
    let done = client.post(PATH, body.clone()).await.expect(200);
    let account = shown(&done, id).await;
    assert_eq!(
        (&account["email"], &account["name"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(account["active"], false);
    sign_in(&email, PASSWORD).await.problem(401, "unauthorized");
    let over = refresh(&text(&signed_in, "refresh_token")).await;
    over.problem(401, "unauthorized");
    // A retry is as good as the first.
    client.post(PATH, body).await.expect(200);
    let told = json!({ "first_name": "Awa" });
    let late = client.put("/api/auth/me", told).await;
    late.problem(409, "person-erased");
    // Somebody else may have the address now.
    let new = json!({ "email": email, "password": PASSWORD, "name": "Fatou", "role": "buyer" });
    let made = shared().stranger().post("/api/auth/register", new).await;
    assert_ne!(made.expect(201).id(), id);
}

/// Workers do nothing about history, so what is elsewhere would stay.
#[tokio::test]
async fn an_admin_is_not_erased_in_the_past() {
    let (account, email) = shared().client(&[Admin]).user(&[Admin]).await;
    let signed_in = sign_in(&email, "a long password").await.expect(200);
    let past = [(
        "occurred-at",
        (Utc::now() - TimeDelta::minutes(1)).to_rfc3339(),
    )];
    let body = json!({ "password": "a long password" });
    let client = client_of(&signed_in);
    client
        .post_with(PATH, &past, body)
        .await
        .invalid("Occurred-At");
    let me = client.get("/api/auth/me").await.expect(200);
    assert_eq!((me.id(), &me.body["email"]), (account, &email.into()));
}
