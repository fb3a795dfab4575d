//! `POST /api/admin/users/{id}/activate`

use domain::actor::Role::{Admin, Buyer};
use serde_json::json;
use uuid::Uuid;

use crate::support::shared;

#[tokio::test]
async fn an_account_that_was_deactivated_can_sign_in_again() {
    let admin = shared().client(&[Admin]);
    let (id, email) = admin.user(&[Buyer]).await;
    let path = format!("/api/admin/users/{id}");
    admin.order(&format!("{path}/deactivate")).await.expect(200);
    let done = admin.order(&format!("{path}/activate")).await.expect(200);
    assert_eq!(
        admin.get_after(&done, &path).await.expect(200).body["active"],
        true
    );
    let login = json!({ "email": email, "password": "a long password" });
    shared()
        .stranger()
        .post("/api/auth/login", login)
        .await
        .expect(200);
    // What is so already changes nothing.
    let again = admin.order(&format!("{path}/activate")).await.expect(200);
    assert_eq!(again.header("etag"), done.header("etag"));
}

#[tokio::test]
async fn an_unknown_account_is_404() {
    let path = format!("/api/admin/users/{}/activate", Uuid::now_v7());
    shared()
        .client(&[Admin])
        .order(&path)
        .await
        .problem(404, "account-unknown");
}
