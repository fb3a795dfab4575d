//! `POST /api/admin/users/{id}/deactivate`

use comptoir::contexts::Contexts;
use domain::actor::Role::{Admin, Buyer};
use serde_json::json;
use uuid::Uuid;

use crate::support::{ADMIN_EMAIL, ADMIN_PASSWORD, System, shared};

#[tokio::test]
async fn a_deactivated_account_is_shown_so() {
    let admin = shared().client(&[Admin]);
    let (id, _) = admin.user(&[Buyer]).await;
    let path = format!("/api/admin/users/{id}");
    let done = admin.order(&format!("{path}/deactivate")).await.expect(200);
    assert_eq!(done.header("etag"), "\"2\"");
    assert_eq!(
        admin.get_after(&done, &path).await.expect(200).body["active"],
        false
    );
    let unknown = format!("/api/admin/users/{}/deactivate", Uuid::now_v7());
    admin.order(&unknown).await.problem(404, "account-unknown");
}

#[tokio::test]
async fn the_last_administrator_stays_also_when_two_go_at_once() {
    let system = System::start(Contexts::all()).await;
    let login = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    let first = system
        .stranger()
        .post("/api/auth/login", login)
        .await
        .expect(200);
    let first = first.body["user"]["id"].as_str().unwrap().to_owned();
    let admin = system.client(&[Admin]);
    let leave = |id: String| {
        let (admin, path) = (admin.clone(), format!("/api/admin/users/{id}/deactivate"));
        async move { admin.order(&path).await }
    };
    leave(first.clone())
        .await
        .problem(409, "last-administrator");
    let body = json!({ "roles": ["buyer"] });
    let roles = format!("/api/admin/users/{first}/roles");
    admin
        .post(&roles, body)
        .await
        .problem(409, "last-administrator");
    for _ in 0..10 {
        let (second, _) = admin.user(&[Admin]).await;
        let (one, other) = tokio::join!(leave(first.clone()), leave(second.to_string()));
        let mut statuses = [one.status.as_u16(), other.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one:?} {other:?}");
        let gone = if one.status == 200 {
            first.clone()
        } else {
            second.to_string()
        };
        let back = format!("/api/admin/users/{gone}/activate");
        admin.order(&back).await.expect(200);
        let body = json!({ "roles": ["buyer"] });
        admin
            .post(&format!("/api/admin/users/{second}/roles"), body)
            .await
            .expect(200);
    }
}
