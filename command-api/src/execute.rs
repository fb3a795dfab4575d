//! Carrying out a command: load what the decision asks for, decide, append, answer.

use std::borrow::Cow;

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use domain::streams::{Draft, Halt, StreamId, Streams};
use event_store::append::{Accepted, AppendError, ExecuteError, Executed, Mark, Request, Stop};
use event_store::database::is_away;
use event_store::idempotency::{Key, Record};
use event_store::load::LoadError;
use serde::Serialize;
use service_kit::consistency::{ConsistencyToken, Place};
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::App;
use crate::answer::{Answer, Stored, members};
use crate::request::Envelope;

/// What a command is about, and where what it creates is found.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The stream whose id and version are answered, and which `If-Match` speaks of.
    pub resource: StreamId,
    /// The path under which a created resource is found; none when nothing is created.
    pub created_under: Option<&'static str>,
}

impl Target {
    /// A resource that the command creates, to be found under `path`.
    pub fn created(resource: StreamId, path: &'static str) -> Self {
        let created_under = Some(path);
        Self {
            resource,
            created_under,
        }
    }

    /// A resource that exists.
    pub fn existing(resource: StreamId) -> Self {
        Self {
            resource,
            created_under: None,
        }
    }
}

/// A command that was carried out.
#[derive(Debug, Serialize, ToSchema)]
pub struct Done {
    /// What it was about.
    id: Uuid,
    /// Its version now.
    version: u64,
}

/// Carries out `decide`: a pure decision that may be run several times, ahead of the commits that
/// it rests on. What it returns becomes part of the answer, which is given after the commit.
///
/// # Errors
/// The problem to answer with.
pub async fn execute<T: Serialize>(
    app: &App,
    envelope: Envelope,
    target: Target,
    decide: impl Fn(&mut Streams) -> Result<T, Halt> + Send + 'static,
) -> Result<Answer, Problem> {
    let Envelope {
        occurred_at,
        if_match,
        idempotency,
        metadata,
        ..
    } = envelope;
    let digest = idempotency.as_ref().map(|key| key.digest);
    let request = Request {
        metadata,
        occurred_at,
        key: idempotency,
        new: target
            .created_under
            .map(|_| target.resource)
            .into_iter()
            .collect(),
    };
    let conditions = Conditions {
        resource: target.resource,
        if_match,
        occurred_at,
    };
    let decide = move |streams: &mut Streams| {
        let more = conditions.meet(decide(streams), streams)?;
        let stored = answer(target, streams, &more).map_err(Stop::Refused)?;
        let answer = serde_json::to_string(&stored)
            .map_err(|error| Stop::Refused(Problem::fault("an answer can't be written", &error)))?;
        let value = stored;
        Ok(Accepted { value, answer })
    };
    match app.log.execute(request, decide).await {
        Ok(Executed::Stored { value, marks }) => Ok(Answer {
            stored: value,
            token: token(app, marks),
            replayed: false,
        }),
        Ok(Executed::Replayed(record)) => replay(app, record, digest),
        Err(ExecuteError::Refused(problem)) => Err(problem),
        Err(ExecuteError::Load(error)) => Err(unloadable(error)),
        Err(ExecuteError::Append(error)) => Err(refused(error)),
    }
}

/// The stored answer to this very command, when it came before with its key. [`execute`] looks
/// itself; a handler whose preparation is dear looks first.
///
/// # Errors
/// `422` when the key came with another request; `503` when the log is away.
pub async fn replayed(app: &App, envelope: &Envelope) -> Result<Option<Answer>, Problem> {
    let Some(Key { scope, key, digest }) = &envelope.idempotency else {
        return Ok(None);
    };
    match app.log.answer(scope, key).await.map_err(unloadable)? {
        Some(record) => replay(app, record, Some(*digest)).map(Some),
        None => Ok(None),
    }
}

/// What a request demands of the states that its decision sees.
#[derive(Clone, Copy)]
struct Conditions {
    resource: StreamId,
    if_match: Option<u64>,
    occurred_at: Option<DateTime<Utc>>,
}

impl Conditions {
    /// What was decided, if the request's conditions hold.
    fn meet<T>(&self, decided: Result<T, Halt>, streams: &Streams) -> Result<T, Stop<Problem>> {
        match decided {
            Err(Halt::Missing(stream, kind)) => Err(Stop::Missing(stream, kind)),
            Err(Halt::Rejected(rejection)) => {
                self.check_version(streams).map_err(Stop::Refused)?;
                Err(Stop::Refused(Problem::rejected(rejection.as_ref())))
            }
            Err(Halt::Corrupt(error)) => {
                let problem = Problem::fault("a stream can't be read", &error);
                Err(Stop::Refused(problem))
            }
            Ok(more) => {
                self.check_version(streams).map_err(Stop::Refused)?;
                self.check_time(streams).map_err(Stop::Refused)?;
                Ok(more)
            }
        }
    }

    /// `412` when the resource is not at the version that `If-Match` names.
    fn check_version(&self, streams: &Streams) -> Result<(), Problem> {
        let version = version_before(streams, &self.resource);
        match self.if_match {
            Some(expected) if version > 0 && version != expected => {
                Err(Problem::stale(expected, version))
            }
            _ => Ok(()),
        }
    }

    /// `422` when an import would come before what a stream holds already.
    fn check_time(&self, streams: &Streams) -> Result<(), Problem> {
        let Some(time) = self.occurred_at else {
            return Ok(());
        };
        let loaded = |draft: &Draft| streams.loaded(&draft.stream)?.last_occurred_at;
        let last = streams.drafts().iter().filter_map(loaded).max();
        match last {
            Some(last) if time < last => {
                let why = format!("the last event happened at {}", last.to_rfc3339());
                Err(Problem::invalid("Occurred-At", why))
            }
            _ => Ok(()),
        }
    }
}

fn version_before(streams: &Streams, resource: &StreamId) -> u64 {
    streams.loaded(resource).map_or(0, |loaded| loaded.version)
}

fn answer<T: Serialize>(target: Target, streams: &Streams, more: &T) -> Result<Stored, Problem> {
    let resource = target.resource;
    let mut drafts = streams.drafts().iter();
    let decided = drafts
        .find(|draft| draft.stream == resource)
        .map_or(0, |draft| draft.events.len());
    let more =
        members(more).map_err(|error| Problem::fault("an answer can't be written", &error))?;
    Ok(Stored {
        id: resource.id,
        version: version_before(streams, &resource) + decided as u64,
        created_under: target.created_under.map(Cow::Borrowed),
        more,
    })
}

/// The first answer given again. The same key with another request is `422`.
fn replay(app: &App, record: Record, digest: Option<[u8; 32]>) -> Result<Answer, Problem> {
    if digest.is_none_or(|digest| record.digest != digest) {
        let why = "this key came before with another request";
        return Err(Problem::invalid("Idempotency-Key", why));
    }
    let stored = serde_json::from_str(&record.answer)
        .map_err(|error| Problem::fault("a stored answer can't be read", &error))?;
    Ok(Answer {
        stored,
        token: token(app, record.marks),
        replayed: true,
    })
}

fn token(app: &App, marks: Vec<Mark>) -> ConsistencyToken {
    let places = marks.into_iter().map(|mark| Place {
        context: mark.context,
        partition: mark.partition,
        position: mark.position,
    });
    ConsistencyToken::new(app.log.epoch(), places.collect())
}

fn refused(error: AppendError) -> Problem {
    match error {
        AppendError::Busy => Problem::unavailable("busy", "too many commands are waiting", 1),
        AppendError::Erased(_) => {
            Problem::new(StatusCode::CONFLICT, "person-erased", error.to_string())
        }
        AppendError::Away(_) | AppendError::Unknown => {
            tracing::warn!(%error, "a command was not stored");
            away()
        }
        error => Problem::fault("a command could not be stored", &error),
    }
}

/// The problem that a failed load is.
pub(crate) fn unloadable(error: LoadError) -> Problem {
    match error {
        LoadError::Away(why) => {
            tracing::warn!(why, "the log's database is away");
            away()
        }
        // Ids come from clients: one may be of anything.
        LoadError::Foreign { .. } => Problem::not_found("there is no such thing"),
        LoadError::Personal(error) if error.is_of_a_lost_key() => {
            Problem::person_keys_missing(&error)
        }
        error => Problem::fault("a stream can't be loaded", &error),
    }
}

/// The problem that a failed query of the log's database is.
pub(crate) fn database(error: &sqlx::Error) -> Problem {
    if is_away(error) {
        tracing::warn!(%error, "the log's database is away");
        return away();
    }
    Problem::fault("the log's database refused", error)
}

fn away() -> Problem {
    let detail = "the log is away; send the request again with the same Idempotency-Key";
    Problem::unavailable("log-away", detail, 1)
}
