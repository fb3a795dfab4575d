//! The calls to the log: how a command is carried out, as the command API does it.

use domain::identity::email::EmailClaim;
use domain::streams::StreamKind;
use event_store::append::{Append, AppendError, Mark, Metadata, StreamAppend};
use event_store::database::{self, is_away};
use event_store::idempotency::{NewRecord, Record};
use event_store::load::LoadError;
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
    let mut conflicts = 0;
    if look_first && let Some(told) = stored(log, command.key, conflicts).await? {
        return Ok(told);
    }
    loop {
        let append = decide(log, command, attempt).await?;
        let answer = append.idempotency.as_ref().unwrap().answer.clone();
        match log.append(append).await {
            Ok(appended) => {
                let positions = sorted(&appended.marks);
                return Ok(Told {
                    answer,
                    positions,
                    conflicts,
                });
            }
            Err(AppendError::Conflict { .. }) => conflicts += 1,
            Err(AppendError::KeyUsed) => {
                let told = stored(log, command.key, conflicts).await?;
                return Ok(told.expect("a used key without a stored answer"));
            }
            Err(AppendError::Away(_)) => return Err(Untold::Away),
            Err(AppendError::Busy) => return Err(Untold::Busy),
            Err(AppendError::Unknown) => return Err(Untold::Unknown),
            Err(error @ AppendError::Fault(_)) => panic!("{error}"),
        }
    }
}

/// What the log answers to `key`, as it stored it.
pub async fn stored(log: &Log, key: Uuid, conflicts: usize) -> Result<Option<Told>, Untold> {
    let found = log.answer(SCOPE, &key.to_string()).await;
    let told = |Record { answer, marks, .. }: Record| Told {
        answer,
        positions: sorted(&marks),
        conflicts,
    };
    found.map(|record| record.map(told)).map_err(away)
}

/// Which attempt wrote `answer`.
pub fn attempt_of(answer: &str) -> Uuid {
    let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
    answer["attempt"].as_str().unwrap().parse().unwrap()
}

/// Loads the streams that others write to as well, and decides.
async fn decide(log: &Log, command: &Command, attempt: Uuid) -> Result<Append, Untold> {
    let mut streams = Vec::new();
    for (stream, events) in &command.parts {
        let expected_version = if command.owns(*stream) {
            0
        } else {
            let loaded = log.load(*stream, StreamKind::of::<EmailClaim>()).await;
            let (loaded, _) = loaded.map_err(|error| match error {
                LoadError::Database(error) => away(error),
                error => panic!("{error}"),
            })?;
            loaded.version
        };
        streams.push(StreamAppend {
            stream: *stream,
            expected_version,
            events: vec![command.event(); *events],
        });
    }
    let versions: Vec<u64> = streams
        .iter()
        .map(|part| part.expected_version + part.events.len() as u64)
        .collect();
    // The odd blanks tell whether the answer is kept to the byte.
    let answer = format!("{:#}", json!({ "attempt": attempt, "versions": versions }));
    Ok(Append {
        streams,
        metadata: Metadata::default(),
        occurred_at: None,
        idempotency: Some(NewRecord {
            scope: SCOPE.to_owned(),
            key: command.key.to_string(),
            digest: [7; 32],
            answer,
            positions: vec![],
        }),
    })
}

fn away(error: sqlx::Error) -> Untold {
    assert!(is_away(&error), "not a sign of being away: {error:?}");
    Untold::Away
}

fn sorted(marks: &[Mark]) -> Vec<Position> {
    let mut positions: Vec<Position> = marks.iter().map(|mark| mark.position).collect();
    positions.sort_unstable();
    positions
}
