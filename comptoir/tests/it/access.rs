//! Who may call what: every route of both APIs, without a token, with a bad one, with each role.

use chrono::{TimeDelta, Utc};
use domain::actor::{Actor, Role};
use reqwest::Method;
use serde_json::{Value, json};
use service_kit::access::{Access, Route, Whose};
use service_kit::token::Tokens;
use strum::IntoEnumIterator;
use uuid::Uuid;

use crate::support::{Answer, Client, shared};

/// What is somebody's: of a hotelier, of a guest there, and of both as they are signed in.
struct Owned {
    hotel: Uuid,
    reservation: Uuid,
    session: Uuid,
}

impl Owned {
    async fn make() -> Self {
        let hotelier = shared().client(&[Role::Hotelier]);
        let hotel = hotelier.hotel(3).await;
        let guest = shared().client(&[Role::Buyer]);
        let reservation = guest.book(hotel, 3, 5).await.expect(201).id();
        let (_, email) = shared().client(&[Role::Admin]).user(&[Role::Buyer]).await;
        let body = json!({ "email": email, "password": "a long password" });
        let signed_in = shared().stranger().post("/api/auth/login", body).await;
        let session = signed_in.expect(200).body["session_id"].clone();
        Self {
            hotel,
            reservation,
            session: serde_json::from_value(session).unwrap(),
        }
    }

    /// The request of `route` about these, which would be carried out for who may.
    fn request(&self, route: &Route) -> (String, Option<Value>) {
        let path = &route.path;
        let id = match path.split('/').nth(2).unwrap() {
            "hotels" => self.hotel,
            "reservations" => self.reservation,
            "auth" => self.session,
            "dashboard" => {
                let (from, to) = (Client::day(1), Client::day(2));
                let query = format!("hotel_id={}&from={from}&to={to}", self.hotel);
                return (format!("{path}?{query}"), None);
            }
            _ => panic!("whose is {path}?"),
        };
        let body = match (&route.method, path.rsplit('/').next().unwrap()) {
            (&Method::PUT, _) if path.starts_with("/api/hotels") => Some(Client::hotel_body(3)),
            (&Method::PUT, _) => Some(json!({
                "room_type": "double", "check_in": Client::day(4), "check_out": Client::day(5),
                "rooms": 1,
            })),
            (_, "reservations") => Some(Client::booking_body(3, 4)),
            _ => None,
        };
        (path.replace("{id}", &id.to_string()), body)
    }
}

/// Calls `route` with ids of nothing and an empty object.
async fn call(client: &Client, route: &Route) -> Answer {
    let path = route.path.replace("{id}", &Uuid::nil().to_string());
    let body = (route.method != Method::GET).then(|| b"{}".to_vec());
    client.send(route.method.clone(), &path, &[], body).await
}

fn guarded() -> impl Iterator<Item = &'static Route> {
    let routes = shared().routes.iter();
    routes.filter(|route| route.access != Access::Anyone)
}

#[tokio::test]
async fn every_route_is_in_the_table_and_in_the_document() {
    let document = shared()
        .stranger()
        .get("/openapi.json")
        .await
        .expect(200)
        .body;
    let paths = document["paths"].as_object().unwrap();
    let documented: usize = paths
        .values()
        .map(|item| item.as_object().unwrap().len())
        .sum();
    assert_eq!(documented, shared().routes.len());
    for route in &shared().routes {
        let method = route.method.as_str().to_lowercase();
        let operation = &paths[&route.path][&method];
        assert!(operation.is_object(), "{route:?}");
        let open = operation["security"].is_null();
        assert_eq!(open, route.access == Access::Anyone, "{route:?}");
    }
}

#[tokio::test]
async fn without_a_token_it_is_401() {
    let stranger = shared().stranger();
    for route in guarded() {
        let answer = call(&stranger, route).await.problem(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), "Bearer", "{route:?}");
    }
}

#[tokio::test]
async fn with_an_expired_or_forged_token_it_is_401() {
    let account = Uuid::now_v7();
    let actor = Actor {
        account,
        roles: Role::iter().collect(),
    };
    let (now, long_ago) = (Utc::now(), Utc::now() - TimeDelta::minutes(16));
    let expired = shared().tokens.issue(&actor, long_ago).unwrap();
    let forged = Tokens::new(&[7; 32]).unwrap().issue(&actor, now).unwrap();
    let good = shared().tokens.issue(&actor, now).unwrap();
    let (head, signature) = good.rsplit_once('.').unwrap();
    let unsigned = format!("{}.", without_algorithm(head));
    let cut = format!("{head}.{}", &signature[1..]);
    for token in [expired, forged, unsigned, cut, "nonsense".to_owned()] {
        let client = shared().stranger().with_token(account, token);
        for route in guarded() {
            call(&client, route).await.problem(401, "unauthorized");
        }
    }
}

/// The same claims under a header that says `alg: none`.
fn without_algorithm(head: &str) -> String {
    let (_, claims) = head.split_once('.').unwrap();
    format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}")
}

#[tokio::test]
async fn each_wrong_role_is_403_and_each_right_one_gets_in() {
    for role in Role::iter() {
        let client = shared().client(&[role]);
        for route in guarded() {
            let Access::Roles(roles) = route.access else {
                continue;
            };
            let answer = call(&client, route).await;
            if roles.contains(&role) {
                let status = answer.status.as_u16();
                assert!(
                    ![401, 403].contains(&status),
                    "{role:?} {route:?} {answer:?}"
                );
                assert!(status < 500, "{role:?} {route:?} {answer:?}");
            } else {
                answer.problem(403, "forbidden");
            }
        }
    }
}

#[tokio::test]
async fn what_is_somebody_elses_is_403_or_not_there() {
    let owned = Owned::make().await;
    let owners = |route: &&Route| matches!(route.whose, Whose::Owner(_));
    let mut tried = 0;
    for route in shared().routes.iter().filter(owners) {
        let (path, body) = owned.request(route);
        for role in Role::iter().filter(|role| may_own(route, *role)) {
            let other = shared().client(&[role]);
            let body = body.as_ref().map(|body| body.to_string().into_bytes());
            let answer = other.send(route.method.clone(), &path, &[], body).await;
            let status = answer.status.as_u16();
            assert!(
                [403, 404].contains(&status),
                "{role:?} {route:?} {answer:?}"
            );
            tried += 1;
        }
    }
    assert!(tried >= 14, "{tried}");
}

/// Whether who holds `role` may call the route about what is their own, and about that alone.
fn may_own(route: &Route, role: Role) -> bool {
    let any_guest = route.path.ends_with("/reservations") && route.method == Method::POST;
    match route.access {
        Access::Roles(roles) => {
            roles.contains(&role) && role != Role::Admin && !(any_guest && role == Role::Buyer)
        }
        Access::SignedIn => true,
        Access::Anyone => false,
    }
}

#[tokio::test]
async fn lists_show_nobody_what_is_somebody_elses() {
    let owned = Owned::make().await;
    let filtered = |route: &&Route| matches!(route.whose, Whose::Filtered(_));
    for route in shared().routes.iter().filter(filtered) {
        assert_eq!(
            route.path, "/api/reservations",
            "what would be seen of {route:?}?"
        );
        let path = format!("{}?hotel_id={}", route.path, owned.hotel);
        for (role, count) in [(Role::Admin, 1), (Role::Buyer, 0), (Role::Hotelier, 0)] {
            let answer = shared().client(&[role]).get(&path).await.expect(200);
            assert_eq!(answer.body["count"], count, "{role:?}");
        }
    }
}

/// A route on which anybody may act has a path of its own account, or says whose its things are.
#[test]
fn who_owns_what_a_path_names_is_said() {
    for route in &shared().routes {
        let named = route.path.contains('{');
        let everyones = !matches!(route.access, Access::Roles(&[Role::Admin]));
        let public = route.access == Access::Anyone;
        if named && everyones && !public {
            assert!(matches!(route.whose, Whose::Owner(_)), "{route:?}");
        }
        assert!(!(named && route.whose == Whose::Caller), "{route:?}");
    }
}
