//! `GET /api/admin/users/{id}`

use domain::actor::Role::{Admin, Buyer};
use uuid::Uuid;

use crate::support::shared;

#[tokio::test]
async fn shows_an_account_and_no_secret() {
    let admin = shared().client(&[Admin]);
    let (id, email) = admin.user(&[Buyer]).await;
    let shown = admin
        .get(&format!("/api/admin/users/{id}"))
        .await
        .expect(200);
    assert_eq!(shown.body["email"], email);
    let names: Vec<&String> = shown.body.as_object().unwrap().keys().collect();
    let mut wanted = [
        "id",
        "version",
        "email",
        "name",
        "roles",
        "active",
        "registered_at",
    ];
    wanted.sort_unstable();
    let mut names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, wanted);
    let unknown = format!("/api/admin/users/{}", Uuid::now_v7());
    admin.get(&unknown).await.problem(404, "account-unknown");
}
