//! `POST /api/auth/logout`

use serde_json::json;

use super::{PASSWORD, client_of, confirmed, refresh, sign_in, text};
use crate::support::shared;

#[tokio::test]
async fn signing_out_ends_the_session_by_either_token() {
    let (_, email) = confirmed().await;
    for by_refresh_token in [true, false] {
        let signed_in = sign_in(&email, PASSWORD).await.expect(200);
        let token = text(&signed_in, "refresh_token");
        let path = "/api/auth/logout";
        let (client, body) = match by_refresh_token {
            true => (shared().stranger(), json!({ "refresh_token": token })),
            false => (client_of(&signed_in), json!({})),
        };
        client.post(path, body.clone()).await.expect(200);
        refresh(&token).await.problem(401, "unauthorized");
        // Twice is as once.
        client.post(path, body).await.expect(200);
    }
}

#[tokio::test]
async fn nobody_can_not_sign_out() {
    let stranger = shared().stranger();
    for body in [json!({}), json!({ "refresh_token": "nonsense" })] {
        let answer = stranger.post("/api/auth/logout", body).await;
        answer.problem(401, "unauthorized");
    }
}
