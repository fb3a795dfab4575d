//! `POST /api/auth/refresh`

use domain::actor::Role::Admin;
use futures::future::join_all;
use serde_json::json;

use super::{PASSWORD, client_of, confirmed, refresh, sign_in, text};
use crate::support::{idempotent, shared};

#[tokio::test]
async fn each_token_is_good_once_and_one_that_comes_again_ends_the_session() {
    let (_, email) = confirmed().await;
    let first = sign_in(&email, PASSWORD).await.expect(200);
    let other = sign_in(&email, PASSWORD).await.expect(200);
    let tokens = (text(&first, "refresh_token"), text(&other, "refresh_token"));
    let second = refresh(&tokens.0).await.expect(200);
    assert_eq!(second.header("cache-control"), "no-store");
    assert_eq!(second.body["session_id"], first.body["session_id"]);
    client_of(&second)
        .get("/api/auth/sessions")
        .await
        .expect(200);
    // Somebody else has the first one too.
    refresh(&tokens.0).await.problem(401, "unauthorized");
    let next = text(&second, "refresh_token");
    refresh(&next).await.problem(401, "unauthorized");
    // The other session is none of it.
    refresh(&tokens.1).await.expect(200);
}

#[tokio::test]
async fn of_many_at_once_one_goes_on_and_the_session_ends() {
    let (_, email) = confirmed().await;
    let signed_in = sign_in(&email, PASSWORD).await.expect(200);
    let token = text(&signed_in, "refresh_token");
    let answers = join_all((0..8).map(|_| refresh(&token))).await;
    let mut good = answers.iter().filter(|answer| answer.status == 200);
    let next = text(good.next().unwrap(), "refresh_token");
    assert!(good.next().is_none(), "{answers:?}");
    refresh(&next).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_retry_with_its_key_is_given_the_same_token() {
    let (_, email) = confirmed().await;
    let signed_in = sign_in(&email, PASSWORD).await.expect(200);
    let (path, key) = ("/api/auth/refresh", idempotent());
    let body = json!({ "refresh_token": text(&signed_in, "refresh_token") });
    let stranger = shared().stranger();
    let first = stranger
        .post_with(path, std::slice::from_ref(&key), body.clone())
        .await;
    let again = stranger.post_with(path, &[key], body).await.expect(200);
    assert_eq!(
        text(&first.expect(200), "refresh_token"),
        text(&again, "refresh_token")
    );
    refresh(&text(&again, "refresh_token")).await.expect(200);
}

#[tokio::test]
async fn who_is_deactivated_goes_on_with_nothing() {
    let (id, email) = confirmed().await;
    let signed_in = sign_in(&email, PASSWORD).await.expect(200);
    let admin = shared().client(&[Admin]);
    let path = format!("/api/admin/users/{id}/deactivate");
    admin.order(&path).await.expect(200);
    let token = text(&signed_in, "refresh_token");
    refresh(&token).await.problem(401, "unauthorized");
}

#[tokio::test]
async fn what_is_no_refresh_token_is_401() {
    let (_, email) = confirmed().await;
    let signed_in = sign_in(&email, PASSWORD).await.expect(200);
    let access = text(&signed_in, "access_token");
    for wrong in ["", "nonsense", &access] {
        refresh(wrong).await.problem(401, "unauthorized");
    }
    let stranger = shared().stranger();
    let none = stranger.post("/api/auth/refresh", json!({})).await;
    none.problem(401, "unauthorized");
    let more = json!({ "refresh_token": "x", "more": 1 });
    stranger
        .post("/api/auth/refresh", more)
        .await
        .invalid("/more");
}
