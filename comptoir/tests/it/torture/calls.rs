//! The calls to the log: how a command is carried out, as the command API does it.

use std::convert::Infallible;

use domain::streams::{StreamKind, Streams};
use event_store::append::{Accepted, AppendError, ExecuteError, Executed, Mark, Request, Stop};
use event_store::database::{self, is_away};
use event_store::idempotency::{Key, Record};
use event_store::load::LoadError;
use event_store::personal::Keyring;
use event_store::{Log, OpenError, Options, Position};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::commands::Command;
use crate::support::wait_for;

/// Whose keys they are.
pub const SCOPE: &str = "torture";

/// What a writer was told of a command that is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Told {
    /// The stored answer.
    pub answer: String,
    /// The last position of each stream that it wrote to, sorted.
    pub positions: Vec<Position>,
    /// How often it was decided again.
    pub conflicts: usize,
}

/// Why a writer was not told that its command is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Untold {
    /// This attempt stored nothing.
    Away,
    /// This attempt stored nothing.
    Busy,
    /// Nobody knows.
    Unknown,
}

/// Opens the log like a service, once the server is there.
pub async fn open(url: &str) -> Log {
    let options = Options {
        contexts: domain::CONTEXTS.to_vec(),
        partitions: 6,
        keyring: Keyring::none(),
    };
    wait_for("the log", super::LIMIT, || async {
        let pool = database::pool(url, "log", 16).unwrap();
        match Log::open(pool, &options, CancellationToken::new()).await {
            Ok(log) => Some(log),
            Err(OpenError::Database(error)) if is_away(&error) => None,
            Err(error) => panic!("{error}"),
        }
    })
    .await
}

/// Carries `command` out, or finds that it was. `attempt` is written into the answer, so that
/// what is stored tells which attempt it was.
pub async fn send(
    log: &Log,
    command: &Command,
    attempt: Uuid,
    look_first: bool,
) -> Result<Told, Untold> {
    if look_first && let Some(told) = stored(log, command.key, 0).await? {
        return Ok(told);
    }
    let request = Request {
        key: Some(Key {
            scope: SCOPE.to_owned(),
            key: command.key.to_string(),
            digest: [7; 32],
        }),
        new: command.owned(),
        ..Request::default()
    };
    let mut decided = 0;
    let command = command.clone();
    let decide = move |streams: &mut Streams| {
        let accepted = decide(streams, &command, attempt)?;
        decided += 1;
        Ok(Accepted {
            value: (accepted.clone(), decided - 1),
            answer: accepted,
        })
    };
    match log.execute::<_, Infallible>(request, decide).await {
        Ok(Executed::Stored {
            value: (answer, conflicts),
            marks,
        }) => Ok(Told {
            answer,
            positions: sorted(&marks),
            conflicts,
        }),
        Ok(Executed::Replayed(record)) => Ok(told(record, 0)),
        Err(ExecuteError::Refused(never)) => match never {},
        Err(ExecuteError::Load(error)) => Err(away(error)),
        Err(ExecuteError::Append(AppendError::Away(_))) => Err(Untold::Away),
        Err(ExecuteError::Append(AppendError::Busy)) => Err(Untold::Busy),
        Err(ExecuteError::Append(AppendError::Unknown)) => Err(Untold::Unknown),
        Err(ExecuteError::Append(error)) => panic!("{error}"),
    }
}

/// What the log answers to `key`, as it stored it.
pub async fn stored(log: &Log, key: Uuid, conflicts: usize) -> Result<Option<Told>, Untold> {
    let found = log.answer(SCOPE, &key.to_string()).await;
    let found = found.map_err(away)?;
    Ok(found.map(|record| told(record, conflicts)))
}

fn told(Record { answer, marks, .. }: Record, conflicts: usize) -> Told {
    Told {
        answer,
        positions: sorted(&marks),
        conflicts,
    }
}

/// Which attempt wrote `answer`.
pub fn attempt_of(answer: &str) -> Uuid {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    answer["attempt"].as_str().unwrap().parse().unwrap()
}

/// Adds the command's events to its streams, whatever they hold; gives the answer to keep.
fn decide(
    streams: &mut Streams,
    command: &Command,
    attempt: Uuid,
) -> Result<String, Stop<Infallible>> {
    let mut versions = Vec::new();
    for (stream, events) in &command.parts {
        let kind = StreamKind::opaque(stream.aggregate_type);
        let loaded = streams.loaded(stream);
        let loaded = loaded.ok_or(Stop::Missing(*stream, kind))?;
        versions.push(loaded.version + *events as u64);
    }
    for (stream, events) in &command.parts {
        let added = streams.append(*stream, &vec![command.event(); *events]);
        added.expect("the stream is there");
    }
    // The odd blanks tell whether the answer is kept to the byte.
    Ok(format!(
        "{:#}",
        json!({ "attempt": attempt, "versions": versions })
    ))
}

fn away(error: LoadError) -> Untold {
    assert!(
        matches!(error, LoadError::Away(_)),
        "not a sign of being away: {error}"
    );
    Untold::Away
}

fn sorted(marks: &[Mark]) -> Vec<Position> {
    let mut positions: Vec<Position> = marks.iter().map(|mark| mark.position).collect();
    positions.sort_unstable();
    positions
}
