//! Who may call what: every route of both APIs, without a token, with a bad one, with each role.

use chrono::{TimeDelta, Utc};
use domain::actor::{Actor, Role};
use reqwest::Method;
use service_kit::access::{Access, Route};
use service_kit::token::Tokens;
use strum::IntoEnumIterator;
use uuid::Uuid;

use crate::support::{Answer, Client, shared};

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
