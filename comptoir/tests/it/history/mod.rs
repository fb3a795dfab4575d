//! What an auditor is told of streams and causes, by the command line and over HTTP.

mod causes;
mod long_streams;
mod states;
mod told;

use std::process::{Command, Output, Stdio};

use domain::actor::Role::Admin;
use event_store::{Log, Options, database};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Answer, Client, personal, servers, shared};

/// `comptoir audit` on the database at `url`, with the persons' keys or without.
fn audit_at(url: &str, with_keys: bool, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comptoir"));
    command
        .arg("audit")
        .args(arguments)
        .env("DATABASE_URL", url)
        .env_remove("READ_DATABASE_URL")
        .env_remove("COMPTOIR_PERSONAL_KEYS")
        .stdin(Stdio::null());
    if with_keys {
        command.env("COMPTOIR_PERSONAL_KEYS", personal().personal_keys);
    }
    command.output().unwrap()
}

/// The same on the system that most tests share, without keys.
fn audit(arguments: &[&str]) -> Output {
    audit_at(&shared().databases.database_url, false, arguments)
}

/// A log of its own, and its URL.
async fn own_log() -> (Log, String) {
    let url = servers().database().await.database_url;
    let pool = database::pool(&url, "log", 4).unwrap();
    let options = Options {
        contexts: [&domain::CONTEXTS[..], &["toys"]].concat(),
        partitions: 3,
        keyring: personal().keyring(&pool).unwrap(),
    };
    let log = Log::open(pool, &options, CancellationToken::new());
    (log.await.unwrap(), url)
}

/// What was printed, which must be the end of it.
#[track_caller]
fn printed(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What was said beside it.
fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Lines of JSON.
fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn admin() -> Client {
    shared().client(&[Admin])
}

/// The history of a stream over HTTP.
async fn history(id: Uuid) -> Vec<Value> {
    let path = format!("/api/audit/streams/{id}/history?format=json");
    let answer = admin().get(&path).await.expect(200);
    answer.body.as_array().unwrap().clone()
}

/// A reservation from today on for two days, of which the guests have come and gone; and who did
/// what in which order.
async fn stay() -> (Uuid, Vec<(Client, Answer)>) {
    use domain::actor::Role::{Buyer, Hotelier};
    let (hotelier, buyer) = (shared().client(&[Hotelier]), shared().client(&[Buyer]));
    let hotel = hotelier.hotel(1).await;
    let booked = buyer.book(hotel, 0, 2).await.expect(201);
    let id = booked.id();
    let mut done = vec![(buyer, booked)];
    for verb in ["check-in", "check-out"] {
        let path = format!("/api/reservations/{id}/{verb}");
        done.push((hotelier.clone(), hotelier.order(&path).await.expect(200)));
    }
    (id, done)
}
