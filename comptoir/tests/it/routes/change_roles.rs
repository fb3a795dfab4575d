//! `POST /api/admin/users/{id}/roles`

use domain::actor::Role::{Admin, Buyer};
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::support::shared;

#[tokio::test]
async fn all_roles_are_replaced() {
    let admin = shared().client(&[Admin]);
    let (id, _) = admin.user(&[Buyer]).await;
    let path = format!("/api/admin/users/{id}");
    let body = json!({ "roles": ["hotelier", "seller"] });
    let done = admin.post(&format!("{path}/roles"), body).await.expect(200);
    let shown = admin.get_after(&done, &path).await.expect(200).body;
    assert_eq!(shown["roles"], json!(["seller", "hotelier"]));
}

#[tokio::test]
async fn bad_roles_are_422_unknown_accounts_404_stale_versions_412() {
    let admin = shared().client(&[Admin]);
    let (id, _) = admin.user(&[Buyer]).await;
    let path = format!("/api/admin/users/{id}/roles");
    admin
        .post(&path, json!({ "roles": [] }))
        .await
        .invalid("/roles");
    admin
        .post(&path, json!({ "roles": ["king"] }))
        .await
        .invalid("/roles/0");
    admin
        .post(&path, json!({ "roles": "buyer" }))
        .await
        .invalid("/roles");
    let body = json!({ "roles": ["hotelier"] });
    let unknown = format!("/api/admin/users/{}/roles", Uuid::now_v7());
    admin
        .post(&unknown, body.clone())
        .await
        .problem(404, "account-unknown");
    let stale = [("if-match", "\"7\"".to_owned())];
    let body = Some(body.to_string().into_bytes());
    admin
        .send(Method::POST, &path, &stale, body)
        .await
        .problem(412, "stale-version");
}
