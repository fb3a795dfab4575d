//! `POST /api/auth/login`

use domain::actor::Role::{Admin, Buyer};
use serde_json::json;
use uuid::Uuid;

use crate::support::{ADMIN_EMAIL, ADMIN_PASSWORD, shared};

#[tokio::test]
async fn the_right_password_gives_a_token_whatever_the_case_of_the_address() {
    let body = json!({ "email": ADMIN_EMAIL.to_uppercase(), "password": ADMIN_PASSWORD });
    let answer = shared()
        .stranger()
        .post("/api/auth/login", body)
        .await
        .expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(
        (&answer.body["token_type"], &answer.body["expires_in"]),
        (&json!("Bearer"), &json!(900))
    );
    assert_eq!(answer.body["user"]["email"], ADMIN_EMAIL);
    assert_eq!(answer.body["user"]["roles"], json!(["admin"]));
    let token = answer.body["access_token"].as_str().unwrap().to_owned();
    let admin = shared().stranger().with_token(Uuid::nil(), token);
    admin.get("/api/admin/users").await.expect(200);
}

#[tokio::test]
async fn every_failure_is_401_in_one_wording() {
    let stranger = shared().stranger();
    let mut answers = Vec::new();
    for (email, password) in [
        (ADMIN_EMAIL, "wrong horse battery"),
        ("nobody@example.com", ADMIN_PASSWORD),
        ("not an address", ADMIN_PASSWORD),
        ("", ""),
    ] {
        let body = json!({ "email": email, "password": password });
        answers.push(
            stranger
                .post("/api/auth/login", body)
                .await
                .problem(401, "unauthorized")
                .body,
        );
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:?}"
    );
}

#[tokio::test]
async fn an_inactive_account_is_403_with_the_right_password_only() {
    let admin = shared().client(&[Admin]);
    let (id, email) = admin.user(&[Buyer]).await;
    admin
        .order(&format!("/api/admin/users/{id}/deactivate"))
        .await
        .expect(200);
    let stranger = shared().stranger();
    let login = |password: &str| {
        let body = json!({ "email": email, "password": password });
        let stranger = stranger.clone();
        async move { stranger.post("/api/auth/login", body).await }
    };
    login("a long password").await.problem(403, "forbidden");
    login("another password").await.problem(401, "unauthorized");
}

#[tokio::test]
async fn a_body_of_another_shape_is_422_and_gives_no_password_away() {
    let body = json!({ "email": ADMIN_EMAIL, "password": 7 });
    shared()
        .stranger()
        .post("/api/auth/login", body)
        .await
        .invalid("/password");
    let body = json!({ "email": ADMIN_EMAIL, "password": "x", "remember": true });
    shared()
        .stranger()
        .post("/api/auth/login", body)
        .await
        .invalid("/remember");
}

#[tokio::test]
async fn guessing_gets_slower_whether_there_is_an_account_or_not() {
    let (_, email) = super::confirmed().await;
    let nobody = format!("{}@example.com", Uuid::new_v4());
    for email in [email.as_str(), &nobody] {
        for _ in 0..10 {
            let wrong = super::sign_in(email, "a wrong one").await;
            wrong.problem(401, "unauthorized");
        }
        // The right one has to wait too: else it could be told by that.
        let waits = super::sign_in(&email.to_uppercase(), super::PASSWORD).await;
        let waits = waits.problem(429, "too-many-requests");
        let seconds: u32 = waits.header("retry-after").parse().unwrap();
        assert!((1..=30).contains(&seconds), "{seconds}");
    }
}

#[tokio::test]
async fn of_many_guesses_at_once_no_more_are_heard() {
    let email = format!("{}@example.com", Uuid::new_v4());
    let guesses = (0..40).map(|_| super::sign_in(&email, "a wrong one"));
    let answers = futures::future::join_all(guesses).await;
    let heard = answers.iter().filter(|answer| answer.status == 401);
    assert_eq!(heard.count(), 10);
}

#[tokio::test]
async fn the_right_password_makes_wrong_ones_forgotten() {
    let (_, email) = super::confirmed().await;
    for _ in 0..2 {
        for _ in 0..9 {
            let wrong = super::sign_in(&email, "a wrong one").await;
            wrong.problem(401, "unauthorized");
        }
        super::sign_in(&email, super::PASSWORD).await.expect(200);
    }
}
