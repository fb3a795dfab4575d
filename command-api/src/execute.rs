//! Carrying out a command: load what the decision asks for, decide, append, answer.

use std::collections::HashMap;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use domain::streams::{Halt, StreamId, StreamKind, Streams};
use event_store::append::{Append, AppendError, Mark, StreamAppend};
use event_store::database::is_away;
use event_store::idempotency::{NewRecord, Record};
use event_store::load::LoadError;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use service_kit::consistency::{CONSISTENCY_TOKEN, ConsistencyToken, Place};
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::App;
use crate::request::{Envelope, IDEMPOTENCY_REPLAYED, Idempotency, LOCATION};

/// How often a command decides again when others were faster, before it hears to come later.
const MOST_ATTEMPTS: usize = 50;

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

/// The answer to a command that was carried out.
#[derive(Debug)]
pub struct Answer {
    stored: Stored,
    token: ConsistencyToken,
    replayed: bool,
}

/// What is kept of an answer for retries: ids, versions and amounts.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    id: Uuid,
    version: u64,
    created_under: Option<String>,
    #[serde(default)]
    more: Map<String, Value>,
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let Stored {
            id,
            version,
            created_under,
            more,
        } = self.stored;
        let mut body = Map::new();
        body.insert("id".to_owned(), id.to_string().into());
        body.insert("version".to_owned(), version.into());
        body.extend(more);
        let status = match created_under {
            Some(_) => StatusCode::CREATED,
            None => StatusCode::OK,
        };
        let mut response = (status, axum::Json(body)).into_response();
        let headers = response.headers_mut();
        let mut put = |name, value: String| {
            // Ids, numbers and base64 are all visible ASCII.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        put(header::ETAG, format!("\"{version}\""));
        put(CONSISTENCY_TOKEN, self.token.encode());
        if let Some(path) = created_under {
            put(LOCATION, format!("{path}/{id}"));
        }
        if self.replayed {
            put(IDEMPOTENCY_REPLAYED, "true".to_owned());
        }
        response
    }
}

/// Carries out `decide`: a pure decision that may be run several times. What it returns becomes
/// part of the answer.
///
/// # Errors
/// The problem to answer with.
pub async fn execute<T: Serialize>(
    app: &App,
    envelope: &Envelope,
    target: Target,
    decide: impl Fn(&mut Streams) -> Result<T, Halt> + Send,
) -> Result<Answer, Problem> {
    if let Some(answer) = replayed(app, envelope).await? {
        return Ok(answer);
    }
    for _ in 0..MOST_ATTEMPTS {
        let mut work = Work::new(app, target);
        let more = work.decide(envelope, &decide).await?;
        let stored = work.answer(&more)?;
        match work.append(envelope, &stored).await {
            Ok(marks) => {
                let token = token(app, marks);
                return Ok(Answer {
                    stored,
                    token,
                    replayed: false,
                });
            }
            Err(AppendError::Conflict { .. }) => continue,
            Err(AppendError::KeyUsed) => {
                if let Some(answer) = replayed(app, envelope).await? {
                    return Ok(answer);
                }
            }
            Err(error) => return Err(refused(error)),
        }
    }
    let detail = "too many others change the same thing at once";
    Err(Problem::unavailable("busy", detail, 1))
}

/// The stored answer to this very command, when it came before with its key. [`execute`] looks
/// first; so does a handler whose preparation is dear.
///
/// # Errors
/// `422` when the key came with another request; `503` when the log is away.
pub async fn replayed(app: &App, envelope: &Envelope) -> Result<Option<Answer>, Problem> {
    match &envelope.idempotency {
        Some(idempotency) => replay(app, idempotency).await,
        None => Ok(None),
    }
}

/// One attempt at a command.
struct Work<'a> {
    app: &'a App,
    target: Target,
    streams: Streams,
    marks: HashMap<StreamId, Mark>,
}

impl<'a> Work<'a> {
    fn new(app: &'a App, target: Target) -> Self {
        Self {
            app,
            target,
            streams: Streams::default(),
            marks: HashMap::new(),
        }
    }

    /// Runs the decision, loading each stream that it asks for.
    async fn decide<T>(
        &mut self,
        envelope: &Envelope,
        decide: impl Fn(&mut Streams) -> Result<T, Halt>,
    ) -> Result<T, Problem> {
        loop {
            match decide(&mut self.streams) {
                Err(Halt::Missing(stream, kind)) => {
                    self.load(stream, kind).await?;
                    self.streams.restart();
                }
                Err(Halt::Rejected(rejection)) => {
                    self.check_version(envelope)?;
                    return Err(Problem::rejected(rejection.as_ref()));
                }
                Err(Halt::Corrupt(error)) => {
                    return Err(Problem::fault("a stream can't be read", &error));
                }
                Ok(more) => {
                    self.check_version(envelope)?;
                    self.check_time(envelope.occurred_at)?;
                    return Ok(more);
                }
            }
        }
    }

    async fn load(&mut self, stream: StreamId, kind: StreamKind) -> Result<(), Problem> {
        let (loaded, mark) = self.app.log.load(stream, kind).await.map_err(unloadable)?;
        self.streams.insert(stream, loaded);
        if let Some(mark) = mark {
            self.marks.insert(stream, mark);
        }
        Ok(())
    }

    /// `412` when the resource is not at the version that `If-Match` names.
    fn check_version(&self, envelope: &Envelope) -> Result<(), Problem> {
        let version = self.version_before();
        match envelope.if_match {
            Some(expected) if version > 0 && version != expected => {
                Err(Problem::stale(expected, version))
            }
            _ => Ok(()),
        }
    }

    /// `422` when an import would come before what a stream holds already.
    fn check_time(&self, occurred_at: Option<DateTime<Utc>>) -> Result<(), Problem> {
        let Some(time) = occurred_at else {
            return Ok(());
        };
        let loaded = |draft: &domain::streams::Draft| {
            let loaded = self.streams.loaded(&draft.stream)?;
            loaded.last_occurred_at
        };
        let last = self.streams.drafts().iter().filter_map(loaded).max();
        match last {
            Some(last) if time < last => {
                let why = format!("the last event happened at {}", last.to_rfc3339());
                Err(Problem::invalid("Occurred-At", why))
            }
            _ => Ok(()),
        }
    }

    fn version_before(&self) -> u64 {
        let loaded = self.streams.loaded(&self.target.resource);
        loaded.map_or(0, |loaded| loaded.version)
    }

    fn answer<T: Serialize>(&self, more: &T) -> Result<Stored, Problem> {
        let resource = self.target.resource;
        let mut drafts = self.streams.drafts().iter();
        let decided = drafts
            .find(|draft| draft.stream == resource)
            .map_or(0, |draft| draft.events.len());
        let more = match serde_json::to_value(more) {
            Ok(Value::Object(members)) => members,
            Ok(_) => Map::new(),
            Err(error) => return Err(Problem::fault("an answer can't be written", &error)),
        };
        Ok(Stored {
            id: resource.id,
            version: self.version_before() + decided as u64,
            created_under: self.target.created_under.map(str::to_owned),
            more,
        })
    }

    /// Appends what was decided; gives where every stream that was touched stands now.
    async fn append(self, envelope: &Envelope, answer: &Stored) -> Result<Vec<Mark>, AppendError> {
        let drafts = self.streams.drafts();
        let written: Vec<StreamId> = drafts.iter().map(|draft| draft.stream).collect();
        let read: Vec<Mark> = self
            .marks
            .into_iter()
            .filter(|(stream, _)| !written.contains(stream))
            .map(|(_, mark)| mark)
            .collect();
        if drafts.is_empty() && envelope.idempotency.is_none() {
            return Ok(read);
        }
        let streams = drafts.iter().map(|draft| StreamAppend {
            stream: draft.stream,
            expected_version: draft.expected_version,
            events: draft.events.clone(),
        });
        let append = Append {
            streams: streams.collect(),
            metadata: envelope.metadata.clone(),
            occurred_at: envelope.occurred_at,
            idempotency: record(envelope.idempotency.as_ref(), answer, &read)?,
        };
        let appended = self.app.log.append(append).await?;
        Ok([read, appended.marks].concat())
    }
}

fn record(
    idempotency: Option<&Idempotency>,
    answer: &Stored,
    read: &[Mark],
) -> Result<Option<NewRecord>, AppendError> {
    let Some(idempotency) = idempotency else {
        return Ok(None);
    };
    let answer =
        serde_json::to_string(answer).map_err(|error| AppendError::Fault(error.to_string()))?;
    Ok(Some(NewRecord {
        scope: idempotency.scope.clone(),
        key: idempotency.key.clone(),
        digest: idempotency.digest,
        answer,
        positions: read.iter().map(|mark| mark.position).collect(),
    }))
}

/// The answer that was stored under this key, if any. The same key with another request is `422`.
async fn replay(app: &App, idempotency: &Idempotency) -> Result<Option<Answer>, Problem> {
    let found = app.log.answer(&idempotency.scope, &idempotency.key).await;
    let Some(record) = found.map_err(|error| database(&error))? else {
        return Ok(None);
    };
    let Record {
        digest,
        answer,
        marks,
    } = record;
    if digest != idempotency.digest {
        let why = "this key came before with another request";
        return Err(Problem::invalid("Idempotency-Key", why));
    }
    let stored = serde_json::from_str(&answer)
        .map_err(|error| Problem::fault("a stored answer can't be read", &error))?;
    Ok(Some(Answer {
        stored,
        token: token(app, marks),
        replayed: true,
    }))
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
        LoadError::Database(error) => database(&error),
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
