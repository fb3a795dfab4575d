//! The two doors to the writer: a decision, or events that were decided elsewhere.

use domain::streams::{Halt, StreamKind, Streams};
use serde::de::IgnoredAny;

use super::job::{Accepted, ExecuteError, Executed, Kept, Request, Stop};
use super::{Append, AppendError, Appended};
use crate::idempotency::{Key, Record, stored_as};
use crate::load::{Found, LoadError, Wanted};
use crate::log::Log;

impl Log {
    /// Carries out a command: `decide` is run, as often as it takes, on the states that the
    /// commands before it will leave, and what it decided last is stored, all of it or nothing.
    /// Returns after the commit. A refusal, too, is given only when what it rests on is committed.
    ///
    /// `decide` runs in the task that writes for all: it is pure and quick.
    ///
    /// # Errors
    /// See [`ExecuteError`].
    pub async fn execute<T, E>(
        &self,
        request: Request,
        decide: impl FnMut(&mut Streams) -> Result<Accepted<T>, Stop<E>> + Send + 'static,
    ) -> Result<Executed<T>, ExecuteError<E>>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        match self.queue.execute(request, decide).await? {
            Kept::Stored(value, marks) => Ok(Executed::Stored { value, marks }),
            Kept::Replayed(stored) => match stored.resolve(&self.pool).await {
                Ok(record) => Ok(Executed::Replayed(record)),
                Err(error) => Err(ExecuteError::Load(error.into())),
            },
        }
    }

    /// Stores events that were decided elsewhere, all of them or none, and returns after the
    /// commit.
    ///
    /// # Errors
    /// See [`AppendError`].
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        check(&append)?;
        let Append {
            streams: appends,
            metadata,
            occurred_at,
            idempotency,
        } = append;
        let new = appends.iter().filter(|one| one.expected_version == 0);
        let answer = idempotency.as_ref().map(|record| record.answer.clone());
        let request = Request {
            metadata,
            occurred_at,
            new: new.map(|one| one.stream).collect(),
            key: idempotency.map(|record| Key {
                scope: record.scope,
                key: record.key,
                digest: record.digest,
            }),
        };
        let written = appends.len();
        let decide = move |streams: &mut Streams| {
            for one in &appends {
                let kind = StreamKind::opaque(one.stream.aggregate_type);
                let loaded = streams.loaded(&one.stream);
                let actual = loaded.ok_or(Stop::Missing(one.stream, kind))?.version;
                if actual != one.expected_version {
                    return Err(Stop::Refused(AppendError::Conflict {
                        stream: one.stream,
                        expected: one.expected_version,
                        actual,
                    }));
                }
            }
            for one in &appends {
                streams.append(one.stream, &one.events).map_err(stop)?;
            }
            Ok(Accepted {
                value: (),
                answer: answer.clone().unwrap_or_default(),
            })
        };
        match self.queue.execute(request, decide).await {
            Ok(Kept::Stored((), mut marks)) => {
                let read = marks.len().saturating_sub(written);
                let marks = marks.split_off(read);
                Ok(Appended { marks })
            }
            Ok(Kept::Replayed(_)) => Err(AppendError::KeyUsed),
            Err(ExecuteError::Refused(error) | ExecuteError::Append(error)) => Err(error),
            Err(ExecuteError::Load(LoadError::Away(why))) => Err(AppendError::Away(why)),
            Err(ExecuteError::Load(error)) => Err(AppendError::Fault(error.to_string())),
        }
    }

    /// The stored answer to the command that came with `key`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn answer(&self, scope: &str, key: &str) -> Result<Option<Record>, LoadError> {
        let (_, id) = stored_as(scope, key);
        match self.reader.find(Wanted::Key { id }).await? {
            Found::Key(None) => Ok(None),
            Found::Key(Some(stored)) => Ok(Some(stored.resolve(&self.pool).await?)),
            Found::Stream { .. } => {
                Err(LoadError::Fault("a stream was found for a key".to_owned()))
            }
        }
    }
}

/// What this program itself decided is JSON; of what comes from elsewhere it is made sure.
fn check(append: &Append) -> Result<(), AppendError> {
    for event in append.streams.iter().flat_map(|stream| &stream.events) {
        let parsed: Result<IgnoredAny, _> = serde_json::from_str(&event.payload);
        parsed.map_err(|error| AppendError::Fault(format!("a payload is not JSON: {error}")))?;
    }
    Ok(())
}

fn stop(halt: Halt) -> Stop<AppendError> {
    match halt {
        Halt::Missing(stream, kind) => Stop::Missing(stream, kind),
        Halt::Rejected(rejection) => Stop::Refused(AppendError::Fault(rejection.to_string())),
        Halt::Corrupt(error) => Stop::Refused(AppendError::Fault(error.to_string())),
    }
}
