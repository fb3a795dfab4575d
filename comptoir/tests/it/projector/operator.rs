//! What clients and operators see of a parked stream: the token, and `comptoir projections parked`.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use comptoir::contexts::Contexts;
use comptoir::settings::Databases;
use domain::actor::Role::Hotelier;
use reqwest::Method;
use serde_json::Value;
use sqlx::Executor;

use super::rename;
use crate::runtime::caught_up;
use crate::support::{Answer, Client, System, personal, servers};

struct Operator(Databases);

impl Operator {
    fn parked(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_comptoir"))
            .args(["projections", "parked"])
            .args(arguments)
            .env("DATABASE_URL", &self.0.database_url)
            .env("COMPTOIR_PERSONAL_KEYS", personal().personal_keys)
            .env_remove("READ_DATABASE_URL")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.parked(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// A query that waits for `command` longer than this test does.
async fn show(client: &Client, command: &Answer, path: &str) -> Answer {
    let headers = [
        ("consistency-token", command.header("consistency-token")),
        ("prefer", "wait=30".to_owned()),
    ];
    let shown = client.send(Method::GET, path, &headers, None);
    let limit = Duration::from_secs(15);
    tokio::time::timeout(limit, shown)
        .await
        .expect("it waits for what will not come")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_what_is_parked_is_503_at_once_until_an_operator_acts() {
    let databases = servers().database().await;
    let operator = Operator(databases.clone());
    let kafka = servers().own_topics();
    let system = System::on(Contexts::all(), databases, kafka).await;
    let hotelier = system.client(&[Hotelier]);
    let check = "ALTER TABLE hotels ADD CONSTRAINT allowed CHECK (name <> 'refused')";
    system.read.execute(check).await.unwrap();
    let hotel = hotelier.hotel(4).await;
    let (path, id) = (format!("/api/hotels/{hotel}"), hotel.to_string());

    let refused = rename(&hotelier, hotel, "refused").await;
    let parked = show(&hotelier, &refused, &path).await;
    let parked = parked.problem(503, "projection-parked");
    assert_eq!(parked.header("retry-after"), "60");
    let later = rename(&hotelier, hotel, "Later").await;
    show(&hotelier, &later, &path)
        .await
        .problem(503, "projection-parked");
    let stale = hotelier.get(&path).await.expect(200);
    assert_eq!(stale.body["name"], "Teranga");
    // Another stream of the same table is shown.
    let other = hotelier
        .post("/api/hotels", Client::hotel_body(1))
        .await
        .expect(201);
    show(&hotelier, &other, "/api/hotels").await.expect(200);

    let list = operator.json(&["list", "hotels"]);
    assert_eq!(
        (&list[0]["aggregate_id"], &list[0]["events"]),
        (&id.clone().into(), &2.into())
    );
    let shown = operator.json(&["show", "hotels", "--stream", &id]);
    assert_eq!(shown[0]["event_type"], "HotelChanged");
    assert!(
        shown[0]["payload"].as_str().unwrap().contains("refused"),
        "{shown}"
    );
    assert_eq!(shown[1]["error"], Value::Null);
    let table = operator.parked(&["list"]);
    assert!(
        String::from_utf8_lossy(&table.stdout).contains(&id),
        "{table:?}"
    );
    let retried = operator.json(&["retry", "hotels", "--stream", &id]);
    assert!(
        retried[0]["error"]
            .as_str()
            .unwrap()
            .contains("SQLSTATE 23514"),
        "{retried}"
    );
    let typing_error = operator.parked(&["list", "hotel"]);
    assert!(!typing_error.status.success());

    // Given up: only after a yes, and what comes later counts again.
    let unasked = operator.parked(&["discard", "hotels", "--stream", &id]);
    assert!(!unasked.status.success());
    assert_eq!(operator.json(&["list", "hotels"])[0]["attempts"], 2);
    let discarded = operator.json(&["discard", "hotels", "--stream", &id, "--yes"]);
    assert_eq!(discarded["discarded"], 2);
    let shown = show(&hotelier, &later, &path).await.expect(200);
    assert_eq!(shown.body["name"], "Teranga");
    let last = rename(&hotelier, hotel, "Last").await;
    let shown = show(&hotelier, &last, &path).await.expect(200);
    assert_eq!(shown.body["name"], "Last");

    // Cured: a retry drains it, and the token is answered.
    let refused = rename(&hotelier, hotel, "refused").await;
    show(&hotelier, &refused, &path)
        .await
        .problem(503, "projection-parked");
    let cure = "ALTER TABLE hotels DROP CONSTRAINT allowed";
    system.read.execute(cure).await.unwrap();
    assert_eq!(operator.json(&["retry"])[0]["applied"], 1);
    let shown = show(&hotelier, &refused, &path).await.expect(200);
    assert_eq!(shown.body["name"], "refused");
    assert_eq!(operator.json(&["list"]), Value::Array(Vec::new()));
    caught_up(&system.log, &system.read).await;
}
