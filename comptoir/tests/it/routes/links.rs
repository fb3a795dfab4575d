//! From a request to the link in an e-mail, and through it.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::{PASSWORD, confirmed, registered, sign_in};
use crate::support::{shared, wait_for};

const LIMIT: Duration = Duration::from_secs(30);

/// The token of the link to `page` in the mail of `account`, once it is there.
async fn mailed(account: Uuid, page: &str) -> String {
    let folder = shared().mail.join(account.to_string());
    let start = format!("https://comptoir.example/{page}?token=");
    wait_for("the link", LIMIT, async || {
        let mail = read_all(&folder);
        let (_, rest) = mail.split_once(&start)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c))?;
        Some(rest[..end].to_owned())
    })
    .await
}

/// Every e-mail in `folder`, with its soft line breaks undone (RFC 2045 §6.7).
fn read_all(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let files = files.filter(|file| file.path().extension().is_some_and(|end| end == "eml"));
    let texts = files.map(|file| std::fs::read_to_string(file.path()).unwrap());
    let all: String = texts.collect();
    all.replace("=\r\n", "").replace("=3D", "=")
}

#[tokio::test]
async fn the_link_in_the_mail_confirms_the_address() {
    let (id, email) = registered("buyer").await;
    let body = json!({ "token": mailed(id, "confirm").await });
    let path = "/api/auth/confirm";
    shared().stranger().post(path, body).await.expect(200);
    sign_in(&email, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn the_link_in_the_mail_sets_another_password() {
    let (id, email) = confirmed().await;
    let forgot = json!({ "email": email });
    let path = "/api/auth/forgot-password";
    shared().stranger().post(path, forgot).await.expect(200);
    let token = mailed(id, "reset-password").await;
    let body = json!({ "token": token, "password": "another password" });
    let path = "/api/auth/reset-password";
    shared().stranger().post(path, body).await.expect(200);
    sign_in(&email, "another password").await.expect(200);
}
