//! E-mails by a real conversation with a server, or as files: sent once, tried again, given up.

mod files;
mod processes;
mod server;
mod smtp;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::language::Language;
use domain::streams::{StreamId, Streams};
use domain::support::email::{Command, Email, Event, Template};
use event_store::append::{Metadata, Request};
use event_store::{Log, database, read};
use service_kit::derived_token::DerivedTokens;
use service_kit::keys::MasterKey;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use workers::Parts;
use workers::mail::{Links, Mail};

use crate::support::{personal, servers, wait_for};
use crate::workers::run;

const LIMIT: Duration = Duration::from_secs(60);
const FROM: &str = "Comptoir <no-reply@comptoir.example>";

/// The key of deployments.
fn key() -> MasterKey {
    MasterKey::new("m".repeat(32).as_bytes()).unwrap()
}

fn mail(smtp_url: Option<&str>, folder: &Path) -> Mail {
    let links = Links {
        tokens: DerivedTokens::new(&key()),
        public_url: "https://comptoir.example/".to_owned(),
    };
    Mail::new(FROM, links, smtp_url, folder.to_owned()).unwrap()
}

/// A log of its own with persons' keys, and its URL.
async fn own_log() -> (Log, String) {
    let url = servers().database().await.database_url;
    let pool = database::pool(&url, "log", 8).unwrap();
    let options = event_store::Options {
        contexts: [&domain::CONTEXTS[..], &["toys"]].concat(),
        partitions: 3,
        keyring: personal().keyring(&pool).unwrap(),
    };
    let log = Log::open(pool, &options, CancellationToken::new());
    (log.await.unwrap(), url)
}

fn workers_of(log: &Log, mail: Mail) -> Vec<workers::runtime::Registered> {
    workers::support::workers(&Parts {
        log: log.clone(),
        mail,
        elsewhere: Arc::new(|_| Box::pin(async { Ok(()) })),
    })
}

/// Queues an e-mail to somebody new; gives its id and the person.
async fn queue(log: &Log, to: &str, template: Template) -> (Uuid, Uuid) {
    queue_with(log, to, template, Request::default()).await
}

async fn import(log: &Log, to: &str, template: Template) {
    let metadata = Metadata {
        imported: true,
        ..Metadata::default()
    };
    let request = Request {
        metadata,
        ..Request::default()
    };
    queue_with(log, to, template, request).await;
}

async fn queue_with(log: &Log, to: &str, template: Template, request: Request) -> (Uuid, Uuid) {
    let (id, person) = (Uuid::now_v7(), Uuid::now_v7());
    let to = to.to_owned();
    let queue = move |streams: &mut Streams| {
        let command = Command::Queue {
            person,
            to: to.clone(),
            language: Language::English,
            template: template.clone(),
        };
        streams.decide::<Email>(id, command)
    };
    run(log, request, queue).await;
    (id, person)
}

async fn retry(log: &Log, id: Uuid) {
    let retry = move |streams: &mut Streams| streams.decide::<Email>(id, Command::Retry);
    run(log, Request::default(), retry).await;
}

/// What happened to an e-mail, after it was queued.
async fn told(log: &Log, id: Uuid) -> Vec<Event> {
    let stream = StreamId::of::<Email>(id);
    let stored = read::stream(log.pool(), stream.aggregate_type, id, 1);
    let stored = stored.await.unwrap();
    let events = stored.iter().map(|event| {
        assert!(!event.payload.contains('@'), "{}", event.payload);
        event.decode::<Email>().unwrap().remove(0)
    });
    events.collect()
}

/// Waits until so many things happened to an e-mail after it was queued.
async fn told_of(log: &Log, id: Uuid, events: usize) -> Vec<Event> {
    wait_for("an e-mail", LIMIT, || async {
        let told = told(log, id).await;
        (told.len() >= events).then_some(told)
    })
    .await
}

/// It is time for whatever is to be attempted again.
async fn now(log: &Log) {
    wait_for("the next attempt to be set", LIMIT, || async {
        let sql = "WITH moved AS (UPDATE due SET due_at = now() \
                 WHERE state = 'pending' AND due_at > now() RETURNING policy) \
             SELECT pg_notify('comptoir_workers', policy) FROM moved";
        let moved = sqlx::query(sql).execute(log.pool()).await.unwrap();
        (moved.rows_affected() > 0).then_some(())
    })
    .await;
}
