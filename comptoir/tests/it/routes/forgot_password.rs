//! `POST /api/auth/forgot-password` and `/reset-password`

use std::time::Instant;

use domain::actor::Role::Admin;
use serde_json::json;
use service_kit::derived_token::Purpose;

use super::{PASSWORD, confirmed, refresh, sign_in, text};
use crate::support::{Answer, shared};

const NEW: &str = "another password";

async fn forgot(email: &str) -> Answer {
    let body = json!({ "email": email });
    let path = "/api/auth/forgot-password";
    shared().stranger().post(path, body).await
}

async fn reset(token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    let path = "/api/auth/reset-password";
    shared().stranger().post(path, body).await
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_once_and_sessions_end() {
    let (id, email) = confirmed().await;
    let before = sign_in(&email, PASSWORD).await.expect(200);
    forgot(&email.to_uppercase()).await.expect(200);
    let token = shared().link(Purpose::ResetPassword, id).await;
    reset(&token, "short").await.invalid("/password");
    reset("nonsense", NEW).await.invalid("/token");
    reset(&token, NEW).await.expect(200);
    reset(&token, "a third password")
        .await
        .problem(409, "link-invalid");
    sign_in(&email, PASSWORD).await.problem(401, "unauthorized");
    sign_in(&email, NEW).await.expect(200);
    let over = refresh(&text(&before, "refresh_token")).await;
    over.problem(401, "unauthorized");
}

#[tokio::test]
async fn nobody_learns_whether_there_is_an_account() {
    let (_, email) = confirmed().await;
    let mut answers = Vec::new();
    for email in [email.as_str(), "nobody.at.all@example.com"] {
        let began = Instant::now();
        let answer = forgot(email).await.expect(200);
        let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        names.sort_unstable();
        answers.push((answer.body, names));
        assert!(began.elapsed().as_millis() >= 300, "{:?}", began.elapsed());
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn who_may_not_sign_in_is_sent_nothing() {
    let (id, email) = confirmed().await;
    let admin = shared().client(&[Admin]);
    let path = format!("/api/admin/users/{id}/deactivate");
    admin.order(&path).await.expect(200);
    forgot(&email).await.expect(200);
    let sql = "SELECT count(*) FROM events \
         WHERE aggregate_id = $1 AND event_type = 'PasswordResetRequested'";
    let query = sqlx::query_scalar(sql).bind(id);
    let sent: i64 = query.fetch_one(shared().log.pool()).await.unwrap();
    assert_eq!(sent, 0);
}
