//! Being signed in by cookies.

use reqwest::Method;
use serde_json::{Value, json};
use service_kit::cookies::{ACCESS, CSRF, REFRESH};

use super::{PASSWORD, confirmed};
use crate::support::{Answer, shared};

/// What a browser keeps.
#[derive(Clone)]
struct Jar {
    cookies: Vec<(String, String)>,
    csrf: String,
}

impl Jar {
    fn of(answer: &Answer) -> Self {
        let set = answer.headers.get_all("set-cookie").iter();
        let cookies = set.map(|cookie| {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.to_owned())
        });
        let csrf = answer.body["csrf_token"].as_str().unwrap_or_default();
        Self {
            cookies: cookies.collect(),
            csrf: csrf.to_owned(),
        }
    }

    fn value(&self, name: &str) -> &str {
        let mut all = self.cookies.iter();
        &all.find(|cookie| cookie.0 == name).unwrap().1
    }

    async fn send(&self, method: Method, path: &str, csrf: Option<&str>, body: Value) -> Answer {
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let mut headers = vec![("cookie", pairs.collect::<Vec<_>>().join("; "))];
        headers.extend(csrf.map(|token| ("x-csrf-token", token.to_owned())));
        let body = (method != Method::GET).then(|| body.to_string().into_bytes());
        shared().stranger().send(method, path, &headers, body).await
    }

    async fn post(&self, path: &str, csrf: Option<&str>) -> Answer {
        self.send(Method::POST, path, csrf, json!({})).await
    }
}

async fn signed_in() -> (Answer, Jar) {
    let (_, email) = confirmed().await;
    let body = json!({ "email": email, "password": PASSWORD, "cookies": true });
    let answer = shared().stranger().post("/api/auth/login", body).await;
    let answer = answer.expect(200);
    let jar = Jar::of(&answer);
    (answer, jar)
}

#[tokio::test]
async fn scripts_see_no_token_and_other_sites_send_none() {
    let (answer, jar) = signed_in().await;
    assert_eq!(answer.body["token_type"], "Cookie");
    assert!(answer.body["access_token"].is_null() && answer.body["refresh_token"].is_null());
    for cookie in answer.headers.get_all("set-cookie") {
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.contains("; Secure; SameSite=Strict"), "{cookie}");
        let for_scripts = cookie.starts_with(CSRF);
        assert_eq!(cookie.ends_with("; HttpOnly"), !for_scripts, "{cookie}");
        let path = if cookie.starts_with(REFRESH) {
            "; Path=/api/auth;"
        } else {
            "; Path=/;"
        };
        assert!(cookie.contains(path), "{cookie}");
    }
    assert_eq!(jar.value(CSRF), jar.csrf);
    let me = jar
        .send(Method::GET, "/api/auth/sessions", None, Value::Null)
        .await;
    me.expect(200);
}

#[tokio::test]
async fn what_changes_something_brings_the_token_of_its_session() {
    let (_, jar) = signed_in().await;
    let (_, other) = signed_in().await;
    let told = || json!({ "first_name": "Awa" });
    for wrong in [None, Some("nonsense"), Some(other.csrf.as_str())] {
        let answer = jar.send(Method::PUT, "/api/auth/me", wrong, told()).await;
        answer.problem(403, "csrf-token");
        jar.post("/api/auth/refresh", wrong)
            .await
            .problem(403, "csrf-token");
        jar.post("/api/auth/logout", wrong)
            .await
            .problem(403, "csrf-token");
    }
    let right = Some(jar.csrf.as_str());
    let answer = jar.send(Method::PUT, "/api/auth/me", right, told()).await;
    answer.expect(200);
}

#[tokio::test]
async fn a_session_goes_on_and_ends_by_cookies() {
    let (_, first) = signed_in().await;
    let answer = first.post("/api/auth/refresh", Some(&first.csrf)).await;
    let second = Jar::of(&answer.expect(200));
    assert_ne!(first.value(REFRESH), second.value(REFRESH));
    let out = second.post("/api/auth/logout", Some(&second.csrf)).await;
    let out = Jar::of(&out.expect(200));
    for name in [ACCESS, REFRESH, CSRF] {
        assert_eq!(out.value(name), "");
    }
    let over = second.post("/api/auth/refresh", Some(&second.csrf)).await;
    over.problem(401, "unauthorized");
}

#[tokio::test]
async fn cookies_that_are_no_good_keep_nobody_from_signing_in() {
    let (_, email) = confirmed().await;
    let jar = Jar {
        cookies: vec![(ACCESS.to_owned(), "nonsense".to_owned())],
        csrf: String::new(),
    };
    let body = json!({ "email": email, "password": PASSWORD });
    let answer = jar.send(Method::POST, "/api/auth/login", None, body).await;
    answer.expect(200);
    let refused = jar
        .send(Method::GET, "/api/auth/me", None, Value::Null)
        .await;
    refused.problem(401, "unauthorized");
}
