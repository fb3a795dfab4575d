//! `POST /api/auth/change-password`

use serde_json::json;

use super::{PASSWORD, client_of, confirmed, refresh, sign_in, text};

const PATH: &str = "/api/auth/change-password";
const NEW: &str = "another password";

#[tokio::test]
async fn who_knows_the_password_sets_another_and_stays_signed_in() {
    let (_, email) = confirmed().await;
    let other = sign_in(&email, PASSWORD).await.expect(200);
    let this = sign_in(&email, PASSWORD).await.expect(200);
    let client = client_of(&this);
    let body = |current, new| json!({ "current_password": current, "password": new });
    let wrong = client.post(PATH, body("a wrong one", NEW)).await;
    wrong.invalid("/current_password");
    let short = client.post(PATH, body(PASSWORD, "short")).await;
    short.invalid("/password");
    client.post(PATH, body(PASSWORD, NEW)).await.expect(200);
    let over = refresh(&text(&other, "refresh_token")).await;
    over.problem(401, "unauthorized");
    refresh(&text(&this, "refresh_token")).await.expect(200);
    sign_in(&email, PASSWORD).await.problem(401, "unauthorized");
    sign_in(&email, NEW).await.expect(200);
}
