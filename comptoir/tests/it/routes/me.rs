//! `GET /api/auth/me`

use domain::actor::Role::{Admin, Buyer};

use crate::support::shared;

#[tokio::test]
async fn shows_the_callers_own_account() {
    let admin = shared().client(&[Admin]);
    let (id, email) = admin.user(&[Buyer]).await;
    let shown = shared()
        .client_of(id, &[Buyer])
        .get("/api/auth/me")
        .await
        .expect(200);
    assert_eq!((shown.id(), &shown.body["email"]), (id, &email.into()));
    assert_eq!(shown.header("etag"), "\"1\"");
}

#[tokio::test]
async fn an_account_that_is_not_there_is_404() {
    shared()
        .client(&[Buyer])
        .get("/api/auth/me")
        .await
        .problem(404, "account-unknown");
}
