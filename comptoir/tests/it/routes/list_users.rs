//! `GET /api/admin/users`

use domain::actor::Role::{Admin, Trainer};

use crate::support::shared;

#[tokio::test]
async fn accounts_are_found_by_text_role_and_state() {
    let admin = shared().client(&[Admin]);
    let (id, email) = admin.user(&[Trainer]).await;
    let found = |filter: &str| {
        let (admin, path) = (
            admin.clone(),
            format!("/api/admin/users?search={email}{filter}"),
        );
        async move { admin.get(&path).await.expect(200).body }
    };
    let one = found("").await;
    assert_eq!(
        (&one["count"], &one["results"][0]["id"]),
        (&1.into(), &id.to_string().into())
    );
    assert!(one["next"].is_null() && one["previous"].is_null());
    for (filter, count) in [
        ("&role=trainer", 1),
        ("&role=buyer", 0),
        ("&active=true", 1),
        ("&active=false", 0),
        ("&ordering=-email&page=1&page_size=1", 1),
    ] {
        assert_eq!(found(filter).await["count"], count, "{filter}");
    }
}

#[tokio::test]
async fn a_wildcard_is_a_letter_like_any_other() {
    let found = shared()
        .client(&[Admin])
        .get("/api/admin/users?search=%25no_such%25")
        .await;
    assert_eq!(found.expect(200).body["count"], 0);
}

#[tokio::test]
async fn unknown_filters_are_400() {
    let admin = shared().client(&[Admin]);
    let get = |query: &str| {
        let (admin, path) = (admin.clone(), format!("/api/admin/users?{query}"));
        async move { admin.get(&path).await }
    };
    get("role=king").await.problem(400, "unknown-parameter");
    get("colour=blue").await.problem(400, "unknown-parameter");
    get("ordering=colour")
        .await
        .problem(400, "unknown-ordering");
    get("page=0").await.problem(400, "malformed");
}
