//! `POST /api/admin/users`

use domain::actor::Role::{Admin, Hotelier};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{idempotent, shared};

fn body() -> Value {
    let email = format!("{}@Example.com", Uuid::new_v4());
    json!({ "email": email, "password": "a long password", "name": "Awa", "roles": ["buyer"] })
}

#[tokio::test]
async fn an_account_is_made_and_can_sign_in() {
    let admin = shared().client(&[Admin]);
    let body = body();
    let made = admin
        .post("/api/admin/users", body.clone())
        .await
        .expect(201);
    let path = format!("/api/admin/users/{}", made.id());
    assert_eq!(made.header("location"), path);
    let shown = admin.get_after(&made, &path).await.expect(200).body;
    let email = body["email"].as_str().unwrap();
    assert_eq!(shown["email"], email.to_lowercase());
    assert_eq!(
        (&shown["name"], &shown["active"]),
        (&json!("Awa"), &json!(true))
    );
    let login = json!({ "email": email, "password": "a long password" });
    shared()
        .stranger()
        .post("/api/auth/login", login)
        .await
        .expect(200);
}

#[tokio::test]
async fn one_account_has_an_address_whatever_its_case_and_under_races() {
    let admin = shared().client(&[Admin, Hotelier]);
    let (lower, mut upper) = (body(), body());
    upper["email"] = lower["email"].as_str().unwrap().to_uppercase().into();
    let tries = (0..6).map(|try_| {
        let body = if try_ % 2 == 0 {
            lower.clone()
        } else {
            upper.clone()
        };
        admin.post("/api/admin/users", body)
    });
    let answers = futures::future::join_all(tries).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1, "{answers:?}");
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.problem(409, "email-taken");
    }
}

#[tokio::test]
async fn what_can_never_be_right_is_422() {
    let admin = shared().client(&[Admin]);
    for (field, value, pointer) in [
        ("email", json!("nobody"), "/email"),
        ("email", json!("a@b"), "/email"),
        (
            "email",
            json!(format!("{}@example.com", "a".repeat(250))),
            "/email",
        ),
        ("password", json!("short"), "/password"),
        ("password", json!("x".repeat(129)), "/password"),
        ("name", json!("  "), "/name"),
        ("name", json!("x".repeat(201)), "/name"),
        ("roles", json!([]), "/roles"),
        ("roles", json!(["king"]), "/roles/0"),
        ("hair", json!("red"), "/hair"),
    ] {
        let mut body = body();
        body[field] = value;
        admin.post("/api/admin/users", body).await.invalid(pointer);
    }
}

#[tokio::test]
async fn a_retry_makes_no_second_account_and_no_secret_is_kept() {
    let (admin, key, body) = (shared().client(&[Admin]), [idempotent()], body());
    let first = admin
        .post_with("/api/admin/users", &key, body.clone())
        .await
        .expect(201);
    let again = admin
        .post_with("/api/admin/users", &key, body)
        .await
        .expect(201);
    assert_eq!(
        (again.id(), again.header("idempotency-replayed")),
        (first.id(), "true".into())
    );
    for table in ["idempotency", "events"] {
        let sql = format!(
            "SELECT count(*) FROM {table} WHERE {table}::text LIKE '%a long password%' \
             OR {table}::text LIKE '%argon2%'"
        );
        let pool = shared().log.pool();
        let found: i64 = sqlx::query_scalar(&sql).fetch_one(pool).await.unwrap();
        assert_eq!(found, 0, "{table}");
    }
}

#[tokio::test]
async fn a_hash_of_an_older_system_is_verified_and_made_anew() {
    let admin = shared().client(&[Admin]);
    // Of "a long password", by the bcrypt of an older system.
    let old = bcrypt::hash("a long password", 6).unwrap();
    let mut body = body();
    body["password_hash"] = json!(old);
    let both = admin.post("/api/admin/users", body.clone()).await;
    both.invalid("/password");
    body.as_object_mut().unwrap().remove("password");
    let made = admin.post("/api/admin/users", body.clone()).await;
    let id = made.expect(201).id();
    let kept = async || {
        let sql = "SELECT password_hash FROM credentials WHERE account_id = $1";
        let query = sqlx::query_scalar(sql).bind(id);
        query.fetch_one(shared().log.pool()).await.unwrap()
    };
    let login = |password: &str| {
        let body = json!({ "email": body["email"], "password": password });
        let stranger = shared().stranger();
        async move { stranger.post("/api/auth/login", body).await }
    };
    login("another password").await.problem(401, "unauthorized");
    let before: String = kept().await;
    assert_eq!(before, old);
    login("a long password").await.expect(200);
    let after: String = kept().await;
    assert!(after.starts_with("$argon2id$"), "{after}");
    login("a long password").await.expect(200);
    login("another password").await.problem(401, "unauthorized");
}

#[tokio::test]
async fn what_is_no_hash_or_too_dear_a_one_is_422() {
    let admin = shared().client(&[Admin]);
    let dear = bcrypt::hash("a long password", 4)
        .unwrap()
        .replace("$04$", "$31$");
    for hash in [
        "",
        "plain text",
        "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$aGFzaA",
        &dear,
    ] {
        let mut body = body();
        body.as_object_mut().unwrap().remove("password");
        body["password_hash"] = json!(hash);
        let answer = admin.post("/api/admin/users", body).await;
        answer.invalid("/password_hash");
    }
}
