//! Ids of something else: every route that takes an id, with one of every other aggregate.

use domain::actor::Role;
use domain::decider::Decider;
use domain::hotels::hotel::Hotel;
use domain::hotels::reservation::Reservation;
use domain::identity::account::Account;
use domain::identity::seller_request::SellerRequest;
use domain::support::email::Email;
use serde_json::{Value, json};
use service_kit::access::Route;
use strum::IntoEnumIterator;
use uuid::Uuid;

use crate::support::{ADMIN_EMAIL, ADMIN_PASSWORD, Client, shared};

/// Makes something of every aggregate; gives an id of each that the log has.
async fn one_of_each(client: &Client) -> Vec<(String, Uuid)> {
    let hotel = client.hotel(1).await;
    client.book(hotel, 1, 2).await.expect(201);
    client.user(&[Role::Buyer]).await;
    let email = format!("{}@example.com", Uuid::new_v4());
    let seller = json!({
        "email": email, "password": "a long password", "name": "Awa", "role": "seller",
    });
    let registered = client.post("/api/auth/register", seller).await;
    registered.expect(201);
    let admin = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
    client.post("/api/auth/login", admin).await.expect(200);
    let sql = "SELECT DISTINCT ON (aggregate_type) aggregate_type, aggregate_id FROM events";
    let found = sqlx::query_as(sql).fetch_all(shared().log.pool()).await;
    found.unwrap()
}

/// Whose ids the route takes.
fn own(path: &str) -> &'static str {
    let kinds = [
        ("/api/hotels/", Hotel::TYPE),
        ("/api/reservations/", Reservation::TYPE),
        ("/api/admin/users/", Account::TYPE),
        ("/api/admin/seller-requests/", SellerRequest::TYPE),
        ("/api/emails/", Email::TYPE),
        ("/api/auth/sessions/", "no stream has their ids"),
    ];
    let kind = kinds.iter().find(|(prefix, _)| path.starts_with(prefix));
    kind.unwrap_or_else(|| panic!("{path} is not here: whose ids does it take?"))
        .1
}

/// A body that the route takes.
fn body(route: &Route) -> Option<Value> {
    let (from, to) = (Client::day(10), Client::day(11));
    match (route.method.as_str(), route.path.as_str()) {
        ("PUT", "/api/hotels/{id}") => Some(Client::hotel_body(1)),
        ("POST", "/api/hotels/{id}/reservations") => Some(Client::booking_body(10, 11)),
        ("PUT", "/api/reservations/{id}") => Some(json!({
            "check_in": from, "check_out": to, "rooms": 1, "room_type": "double",
        })),
        ("POST", "/api/admin/users/{id}/roles") => Some(json!({ "roles": ["buyer"] })),
        ("POST", "/api/admin/seller-requests/{id}/reject") => Some(json!({ "reason": "No." })),
        _ => None,
    }
}

#[tokio::test]
async fn an_id_of_another_aggregate_is_404_and_never_500() {
    let roles: Vec<Role> = Role::iter().collect();
    let client = shared().client(&roles);
    let ids = one_of_each(&client).await;
    assert!(ids.len() >= 8, "{ids:?}");
    // An auditor asks about any stream.
    let takes_any = |route: &&Route| route.path.starts_with("/api/audit/streams/");
    let routes = shared().routes.iter().filter(|route| !takes_any(route));
    for route in routes.filter(|route| route.path.contains("{id}")) {
        for (_, id) in ids.iter().filter(|(kind, _)| kind != own(&route.path)) {
            let mut path = route.path.replace("{id}", &id.to_string());
            if path.ends_with("/availability") {
                path.push_str(&format!("?from={}&to={}", Client::day(1), Client::day(2)));
            }
            let body = body(route).map(|body| body.to_string().into_bytes());
            let answer = client.send(route.method.clone(), &path, &[], body).await;
            assert_eq!(answer.status.as_u16(), 404, "{route:?} {answer:?}");
        }
    }
}
