//! `PUT /api/auth/me`

use serde_json::{Value, json};

use super::{PASSWORD, client_of, confirmed, sign_in};

#[tokio::test]
async fn what_people_tell_is_theirs_to_change() {
    let (_, email) = confirmed().await;
    let client = client_of(&sign_in(&email, PASSWORD).await.expect(200));
    let told = json!({
        "first_name": " Awa ", "last_name": "Ndiaye", "phone": "+221 33 000 00 00",
        "address": "1 rue des Potiers\nDakar", "gender": "f", "bio": null,
    });
    let done = client.put("/api/auth/me", told).await.expect(200);
    let me = client
        .get_after(&done, "/api/auth/me")
        .await
        .expect(200)
        .body;
    assert_eq!(
        (&me["first_name"], &me["bio"]),
        (&json!("Awa"), &Value::Null)
    );
    assert_eq!(me["address"], "1 rue des Potiers\nDakar");
    assert_eq!(me["email"], email);
    // All of it is replaced.
    let less = json!({ "bio": "Potter" });
    let done = client.put("/api/auth/me", less).await.expect(200);
    let me = client
        .get_after(&done, "/api/auth/me")
        .await
        .expect(200)
        .body;
    assert_eq!(
        (&me["first_name"], &me["bio"]),
        (&Value::Null, &json!("Potter"))
    );
    let long = json!({ "phone": "1".repeat(101) });
    client.put("/api/auth/me", long).await.invalid("/phone");
    let other = json!({ "email": "other@example.com" });
    client.put("/api/auth/me", other).await.invalid("/email");
}
