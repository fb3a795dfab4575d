//! Exports, and what is imported of them.

mod broken_off;
mod foreign;
mod lines;
mod over_http;
mod refused;
mod round_trip;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use ::audit::export::{self, Request, to_folder};
use ::audit::import::{self, Databases, Outcome};
use ::audit::manifest::Manifest;
use chrono::{DateTime, TimeDelta, Utc};
use comptoir::settings;
use domain::decider::{Decider, Event as _};
use domain::identity::email::{EmailClaim, Event};
use domain::streams::stored_json;
use event_store::import::{Import, Imported, Rows};
use event_store::partition::partition_of;
use event_store::{RecordedEvent, Topic, database};
use sqlx::{Executor, PgPool};
use uuid::Uuid;

use crate::support::Deployment;

const PARTITIONS: u32 = 3;

fn pool(url: &str) -> PgPool {
    database::pool(url, "log", 4).unwrap()
}

/// An event as claims of addresses have it: each claimed, then released.
fn claim(position: i64, at: DateTime<Utc>, metadata: &str) -> RecordedEvent {
    let id = Uuid::from_u128(0x0192_f000 + position.unsigned_abs().div_ceil(2) as u128);
    let event = match position % 2 {
        1 => Event::EmailClaimed { account_id: id },
        _ => Event::EmailReleased {},
    };
    RecordedEvent {
        position,
        event_id: Uuid::from_u128(position.unsigned_abs().into()),
        aggregate_type: EmailClaim::TYPE.to_owned(),
        aggregate_id: id,
        sequence: 2 - position % 2,
        event_type: event.name().to_owned(),
        event_version: event.version().to_string(),
        payload: stored_json(&event),
        metadata: metadata.to_owned(),
        recorded_at: at + TimeDelta::microseconds(position),
        occurred_at: at,
        partition: partition_of(id, PARTITIONS).cast_signed(),
    }
}

/// Fills an empty log with so many events, each with so many bytes of metadata.
async fn fill(url: &str, events: i64, bytes: usize) {
    let topic = Topic {
        generation: 1,
        partitions: PARTITIONS,
    };
    let imported = Imported {
        manifest: [0; 32],
        epoch: Uuid::new_v4(),
        last: events,
        topics: domain::CONTEXTS
            .map(|name| (name.to_owned(), topic))
            .to_vec(),
        checkpoints: Vec::new(),
    };
    let mut import = Import::begin(&pool(url), &imported).await.unwrap();
    let metadata = format!("{{\"filler\":\"{}\"}}", "x".repeat(bytes));
    let at = Utc::now() - TimeDelta::days(1);
    for first in (1..=events).step_by(1_000) {
        let mut rows = Rows::default();
        for position in first..=(first + 999).min(events) {
            rows.push(&claim(position, at, &metadata));
        }
        import.store(rows).await.unwrap();
    }
    import.finish().await.unwrap();
    // All databases of the tests begin with one epoch.
    let epoch = "UPDATE epoch SET id = gen_random_uuid()";
    pool(url).execute(epoch).await.unwrap();
}

/// Every column of every event, in order, as text.
async fn rows(url: &str) -> Vec<String> {
    let sql = "SELECT events::text FROM events ORDER BY position";
    sqlx::query_scalar(sql).fetch_all(&pool(url)).await.unwrap()
}

async fn export_with(url: &str, folder: &Path, request: &Request, file: i64) -> Manifest {
    let unwatched: export::Progress = Arc::new(|_, _| {});
    let log = pool(url);
    let exported = to_folder(&log, request, folder, file, unwatched).await;
    exported.unwrap()
}

async fn export_all(url: &str, folder: &Path, file: i64) -> Manifest {
    export_with(url, folder, &Request::default(), file).await
}

async fn import(url: &str, folder: &Path) -> Result<Outcome, import::Error> {
    let databases = Databases {
        log: pool(url),
        keys: None,
    };
    import::run(&databases, folder, 20, Arc::new(|_, _, _| {})).await
}

/// The lines of an export, by file.
fn lines(folder: &Path, manifest: &Manifest) -> HashMap<String, Vec<String>> {
    let read = |name: &String| {
        let compressed = std::fs::read(folder.join(name)).unwrap();
        let bytes = zstd::decode_all(&*compressed).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    };
    let files = manifest.files.iter();
    files.map(|of| (of.name.clone(), read(&of.name))).collect()
}

/// Commands on these databases, which print into `log`.
fn commands(url: &str, log: &Path) -> Deployment {
    let databases = settings::Databases {
        database_url: url.to_owned(),
        read_database_url: None,
    };
    Deployment {
        brokers: None,
        ..Deployment::new(databases, log.to_owned())
    }
}
