//! No secret is in a log line, however much is logged.

use event_store::database;
use serde_json::{Value, json};
use service_kit::derived_token::Purpose;
use service_kit::keys::MasterKey;

use crate::support::{Answer, Client, Deployment, link, servers};

const FIRST: &str = "correct-horse-battery-1";
const SECOND: &str = "correct-horse-battery-2";
const THIRD: &str = "correct-horse-battery-3";

fn text(answer: &Answer, member: &str) -> String {
    answer.body[member].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_logged() {
    let folder = tempfile::tempdir().unwrap();
    let mut deployment = Deployment::new(servers().database().await, folder.path().join("log"));
    deployment.brokers = None;
    deployment.variables = vec![("RUST_LOG", "trace".to_owned())];
    let log = database::pool(&deployment.databases.database_url, "log", 2).unwrap();
    let key = MasterKey::new("m".repeat(32).as_bytes()).unwrap();
    let mut service = deployment.start("command-api").await;
    let client = &service.client;
    let post = async |client: &Client, path: &str, body: Value| {
        let path = format!("/api/auth/{path}");
        let answer = client.post(&path, body).await;
        assert!(answer.status.is_success(), "{path} {answer:?}");
        answer
    };
    let email = "somebody.secret@example.com";

    let body = json!({ "email": email, "password": FIRST, "name": "Xanthippe", "role": "buyer" });
    let id = post(client, "register", body).await.id();
    let confirm = link(&log, &key, Purpose::ConfirmEmail, id).await;
    post(client, "confirm", json!({ "token": confirm })).await;
    let body = json!({ "email": email, "password": FIRST });
    let signed_in = post(client, "login", body).await;
    let (access, refresh) = (
        text(&signed_in, "access_token"),
        text(&signed_in, "refresh_token"),
    );
    let body = json!({ "refresh_token": refresh });
    let second = text(&post(client, "refresh", body).await, "refresh_token");
    post(client, "forgot-password", json!({ "email": email })).await;
    let reset = link(&log, &key, Purpose::ResetPassword, id).await;
    let body = json!({ "token": reset, "password": SECOND });
    post(client, "reset-password", body).await;
    let owner = client.clone().with_token(id, access.clone());
    let body = json!({ "current_password": SECOND, "password": THIRD });
    post(&owner, "change-password", body).await;
    let hash: String = sqlx::query_scalar("SELECT password_hash FROM credentials LIMIT 1")
        .fetch_one(&log)
        .await
        .unwrap();
    let body = json!({ "password": THIRD });
    post(&owner, "me/erasure", body).await;
    // What is refused is not told either.
    let body = json!({ "email": email, "password": "a-wrong-password" });
    client
        .post("/api/auth/login", body)
        .await
        .problem(401, "unauthorized");
    let body = json!({ "refresh_token": second, "more": "a-wrong-password" });
    client
        .post("/api/auth/refresh", body)
        .await
        .invalid("/more");
    service.kill();

    let printed = deployment.printed();
    assert!(printed.contains("listening"), "{printed}");
    let keys = ["m".repeat(32), "t".repeat(32)];
    let signature = access.rsplit('.').next().unwrap();
    for secret in [
        FIRST,
        SECOND,
        THIRD,
        "a-wrong-password",
        confirm.as_str(),
        &reset,
        &refresh,
        &second,
        signature,
        &hash,
        &keys[0],
        &keys[1],
        email,
        "Xanthippe",
    ] {
        let mut lines = printed.lines();
        let told = lines.find(|line| line.contains(secret));
        assert_eq!(told, None, "{secret} is in the log");
    }
}
