//! `GET`, `DELETE /api/auth/sessions`, and `DELETE /api/auth/sessions/{id}`

use serde_json::json;
use uuid::Uuid;

use super::{PASSWORD, client_of, confirmed, refresh, sign_in, text};
use crate::support::shared;

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner() {
    let (_, email) = confirmed().await;
    let first = sign_in(&email, PASSWORD).await.expect(200);
    let second = sign_in(&email, PASSWORD).await.expect(200);
    let client = client_of(&second);
    let path = format!("/api/auth/sessions/{}", text(&first, "session_id"));
    // Somebody else's are not there.
    let (_, other) = confirmed().await;
    let other = client_of(&sign_in(&other, PASSWORD).await.expect(200));
    other.delete(&path).await.problem(404, "session-unknown");

    let ended = client.delete(&path).await.expect(200);
    let listed = client.get_after(&ended, "/api/auth/sessions").await;
    let listed = listed.expect(200).body;
    let ids: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["id"])
        .collect();
    assert_eq!(ids, [&second.body["session_id"]]);
    assert_eq!(listed[0]["current"], true);
    let over = refresh(&text(&first, "refresh_token")).await;
    over.problem(401, "unauthorized");
    client.delete(&path).await.problem(404, "session-unknown");
    let nothing = format!("/api/auth/sessions/{}", Uuid::now_v7());
    client
        .delete(&nothing)
        .await
        .problem(404, "session-unknown");
}

#[tokio::test]
async fn all_others_end_at_once() {
    let (_, email) = confirmed().await;
    let mut tokens = Vec::new();
    for _ in 0..3 {
        tokens.push(sign_in(&email, PASSWORD).await.expect(200));
    }
    let last = tokens.pop().unwrap();
    client_of(&last)
        .delete("/api/auth/sessions")
        .await
        .expect(200);
    for over in tokens {
        let answer = refresh(&text(&over, "refresh_token")).await;
        answer.problem(401, "unauthorized");
    }
    refresh(&text(&last, "refresh_token")).await.expect(200);
}

#[tokio::test]
async fn a_program_is_shown_as_it_calls_itself() {
    let (_, email) = confirmed().await;
    let body = json!({ "email": email, "password": PASSWORD });
    let agent = [("user-agent", "Firefox 150".to_owned())];
    let stranger = shared().stranger();
    let signed_in = stranger.post_with("/api/auth/login", &agent, body).await;
    let client = client_of(&signed_in.expect(200));
    let out = client.delete("/api/auth/sessions").await.expect(200);
    let listed = client
        .get_after(&out, "/api/auth/sessions")
        .await
        .expect(200);
    assert_eq!(listed.body[0]["agent"], "Firefox 150");
}
