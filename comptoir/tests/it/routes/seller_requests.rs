//! `/api/admin/seller-requests`

use domain::actor::Role::Admin;
use serde_json::json;
use uuid::Uuid;

use super::{PASSWORD, sign_in};
use crate::support::{Client, shared};

/// Somebody who wants to sell: the request, the account, and the address.
async fn applied(admin: &Client) -> (Uuid, Uuid, String) {
    let email = format!("{}@example.com", Uuid::new_v4());
    let body = json!({
        "email": email, "password": PASSWORD, "name": "Awa", "role": "seller",
        "message": "pots and pans",
    });
    let made = shared().stranger().post("/api/auth/register", body).await;
    let made = made.expect(201);
    assert_eq!(made.body["waits_for"], "approval");
    let path = "/api/admin/seller-requests?status=pending&page_size=100&ordering=-requested_at";
    let listed = admin.get_after(&made, path).await.expect(200).body;
    let mut rows = listed["results"].as_array().unwrap().iter();
    let row = rows
        .find(|row| row["account_id"] == json!(made.id()))
        .unwrap();
    assert_eq!(row["message"], "pots and pans");
    let request = row["id"].as_str().unwrap().parse().unwrap();
    (request, made.id(), email)
}

#[tokio::test]
async fn an_approved_seller_may_sign_in() {
    let admin = shared().client(&[Admin]);
    let (request, account, email) = applied(&admin).await;
    let path = format!("/api/admin/seller-requests/{request}");
    let done = admin.order(&format!("{path}/approve")).await.expect(200);
    assert_eq!(done.id(), request);
    let shown = admin.get_after(&done, &path).await.expect(200).body;
    assert_eq!(shown["status"], "approved");
    let signed_in = sign_in(&email, PASSWORD).await.expect(200);
    assert_eq!(signed_in.body["user"]["roles"], json!(["seller"]));
    assert_eq!(signed_in.body["user"]["id"], json!(account));
    let again = admin.order(&format!("{path}/approve")).await;
    again.problem(409, "seller-request-settled");
}

#[tokio::test]
async fn a_rejected_one_is_told_why() {
    let admin = shared().client(&[Admin]);
    let (request, _, email) = applied(&admin).await;
    let path = format!("/api/admin/seller-requests/{request}");
    let no = format!("{path}/reject");
    let reject = |reason: &str| admin.post(&no, json!({ "reason": reason }));
    reject(" ").await.invalid("/reason");
    let done = reject("too many potters").await.expect(200);
    let shown = admin.get_after(&done, &path).await.expect(200).body;
    assert_eq!(
        (&shown["status"], &shown["reason"]),
        (&json!("rejected"), &json!("too many potters"))
    );
    sign_in(&email, PASSWORD).await.problem(403, "forbidden");
    let late = admin.order(&format!("{path}/approve")).await;
    late.problem(409, "seller-request-settled");
}

#[tokio::test]
async fn a_request_that_is_not_there_is_404() {
    let admin = shared().client(&[Admin]);
    let path = format!("/api/admin/seller-requests/{}", Uuid::now_v7());
    admin
        .get(&path)
        .await
        .problem(404, "seller-request-unknown");
    let approve = admin.order(&format!("{path}/approve")).await;
    approve.problem(404, "seller-request-unknown");
}
