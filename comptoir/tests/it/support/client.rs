//! A client of both APIs.

use chrono::{Days, NaiveDate, TimeDelta, Utc};
use domain::actor::Role;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

/// Who calls where.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    /// The account that calls.
    pub account: Uuid,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

pub fn json_body(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or(Value::String(text.to_owned()))
}

/// A header with a fresh idempotency key.
pub fn idempotent() -> (&'static str, String) {
    ("idempotency-key", Uuid::new_v4().to_string())
}

impl Client {
    pub fn new(base: String) -> Self {
        Self {
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            base,
            token: None,
            account: Uuid::nil(),
        }
    }

    pub fn with_token(mut self, account: Uuid, token: String) -> Self {
        (self.account, self.token) = (account, Some(token));
        self
    }

    /// Sends a request whose body is any bytes.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: Option<Vec<u8>>,
    ) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            let name: HeaderName = name.parse().unwrap();
            request = request.header(name, HeaderValue::from_str(value).unwrap());
        }
        let answer = request.body(body.unwrap_or_default()).send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = json_body(&answer.text().await.unwrap());
        Answer {
            status,
            headers,
            body,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// A query that must see what `command` did.
    pub async fn get_after(&self, command: &Answer, path: &str) -> Answer {
        let headers = [("consistency-token", command.header("consistency-token"))];
        let headers = [headers[0].clone(), ("prefer", "wait=20".to_owned())];
        self.send(Method::GET, path, &headers, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.post_with(path, &[], body).await
    }

    pub async fn post_with(&self, path: &str, headers: &[(&str, String)], body: Value) -> Answer {
        let body = Some(body.to_string().into_bytes());
        self.send(Method::POST, path, headers, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        let body = Some(body.to_string().into_bytes());
        self.send(Method::PUT, path, &[], body).await
    }

    /// A command that says all by its path.
    pub async fn order(&self, path: &str) -> Answer {
        self.send(Method::POST, path, &[], None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None).await
    }

    /// A command of so many days ago, at this time of the day (an import).
    pub async fn order_at(&self, path: &str, days_ago: i64) -> Answer {
        self.send(Method::POST, path, &[Self::ago(days_ago)], None)
            .await
    }

    fn ago(days: i64) -> (&'static str, String) {
        let time = Utc::now() - TimeDelta::days(days);
        ("occurred-at", time.to_rfc3339())
    }

    /// The date so many days ago in Dakar.
    pub fn past_day(ago: i64) -> NaiveDate {
        (Utc::now() - TimeDelta::days(ago)).date_naive()
    }

    /// An imported reservation in a hotel of its own; all in days ago.
    pub async fn past_reservation(&self, booked: i64, check_in: i64, check_out: i64) -> Uuid {
        let ago = [Self::ago(booked)];
        let hotel = self
            .post_with("/api/hotels", &ago, Self::hotel_body(1))
            .await
            .created();
        let mut booking = Self::booking_body(0, 1);
        booking["check_in"] = json!(Self::past_day(check_in));
        booking["check_out"] = json!(Self::past_day(check_out));
        let path = format!("/api/hotels/{hotel}/reservations");
        self.post_with(&path, &ago, booking).await.created()
    }

    /// Registers an account as an admin; gives its id and address. Its password is
    /// "a long password". Queries show it when this returns.
    pub async fn user(&self, roles: &[Role]) -> (Uuid, String) {
        let email = format!("{}@example.com", Uuid::new_v4());
        let body = json!({
            "email": email, "password": "a long password", "name": "Somebody", "roles": roles,
        });
        let made = self.post("/api/admin/users", body).await.expect(201);
        self.get_after(&made, "/api/admin/users").await.expect(200);
        (made.id(), email)
    }

    /// Creates a hotel with `count` rooms for two, of the type `double`, for 100 EUR a night.
    pub async fn hotel(&self, count: u32) -> Uuid {
        self.post("/api/hotels", Self::hotel_body(count))
            .await
            .created()
    }

    pub fn hotel_body(count: u32) -> Value {
        json!({
            "name": "Teranga", "city": "Dakar", "time_zone": "Africa/Dakar", "rating": 4,
            "is_active": true, "overbooking_allowance": 0,
            "room_types": [{
                "code": "double", "name": "Double", "capacity": 2, "count": count,
                "price_per_night": { "amount": 10_000, "currency": "EUR" },
            }],
        })
    }

    /// The date so many days from today in Dakar, whose time is UTC.
    pub fn day(ahead: u64) -> NaiveDate {
        Utc::now().date_naive() + Days::new(ahead)
    }

    pub fn booking_body(from: u64, to: u64) -> Value {
        json!({
            "room_type": "double", "check_in": Self::day(from), "check_out": Self::day(to),
            "rooms": 1, "adults": 2, "children": 0,
        })
    }

    /// Books a double room from one day ahead to another.
    pub async fn book(&self, hotel: Uuid, from: u64, to: u64) -> Answer {
        let path = format!("/api/hotels/{hotel}/reservations");
        self.post(&path, Self::booking_body(from, to)).await
    }

    /// Rooms reserved for the night so many days ahead, once `command` is visible.
    pub async fn reserved(&self, command: &Answer, hotel: Uuid, ahead: u64) -> i64 {
        let (from, to) = (Self::day(ahead), Self::day(ahead + 1));
        let path = format!("/api/hotels/{hotel}/availability?from={from}&to={to}");
        let answer = self.get_after(command, &path).await.expect(200);
        answer.body["room_types"][0]["nights"][0]["reserved"]
            .as_i64()
            .unwrap()
    }
}

impl Answer {
    /// Panics with the whole answer when the status is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// Expects a problem of this status and type.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        let kind = answer.body["type"].as_str().unwrap_or_default();
        assert_eq!(kind, format!("/problems/{code}"), "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.body["status"], status);
        answer
    }

    /// Expects `422` whose only error is at this pointer.
    #[track_caller]
    pub fn invalid(self, pointer: &str) -> Self {
        let answer = self.problem(422, "validation");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{answer:?}");
        answer
    }

    /// Expects `201` with a Location that ends in the id; gives the id.
    #[track_caller]
    pub fn created(self) -> Uuid {
        let answer = self.expect(201);
        let id = answer.id();
        assert!(
            answer.header("location").ends_with(&id.to_string()),
            "{answer:?}"
        );
        assert_eq!(answer.header("etag"), "\"1\"");
        id
    }

    pub fn id(&self) -> Uuid {
        self.body["id"].as_str().unwrap().parse().unwrap()
    }

    pub fn version(&self) -> i64 {
        self.body["version"].as_i64().unwrap()
    }

    pub fn header(&self, name: &str) -> String {
        let value = self.headers.get(name);
        value.map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
    }
}
