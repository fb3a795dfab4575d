//! A command on its way: a decision, what it brings, and who waits for the answer.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use domain::streams::{StreamId, StreamKind, Streams};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use uuid::Uuid;

use super::{AppendError, Mark, Metadata};
use crate::idempotency::{Key, Record, Stored};
use crate::load::LoadError;
use crate::personal::Keys;

/// What a command brings beside its decision.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Who did it and why, written with each event.
    pub metadata: Metadata,
    /// When it happened, when that is earlier than now (an import).
    pub occurred_at: Option<DateTime<Utc>>,
    /// The key under which its answer is kept.
    pub key: Option<Key>,
    /// Streams whose ids were made for this very command: they need not be looked for. If one
    /// exists all the same, the database says so and the command decides again.
    pub new: Vec<StreamId>,
}

/// A decision that stands.
#[derive(Debug)]
pub struct Accepted<T> {
    /// What the caller gets after the commit.
    pub value: T,
    /// What is kept for retries, as JSON, when the command has a key.
    pub answer: String,
}

/// Why a decision stopped.
#[derive(Debug)]
pub enum Stop<E> {
    /// It needs this stream: it is run again when that is loaded.
    Missing(StreamId, StreamKind),
    /// It refuses.
    Refused(E),
}

/// A command that was carried out.
#[derive(Debug)]
pub enum Executed<T> {
    /// Now.
    Stored {
        /// What the decision gave.
        value: T,
        /// Where every stream that it read or wrote stands.
        marks: Vec<Mark>,
    },
    /// When it came first with its key.
    Replayed(Record),
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E> {
    /// The decision refused, on states that are committed.
    #[error("refused")]
    Refused(E),
    /// A stream could not be loaded.
    #[error(transparent)]
    Load(LoadError),
    /// It could not be stored.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// What a decision came to.
pub(super) enum Decision {
    Missing(StreamId, StreamKind),
    /// It stands; the answer is to be kept.
    Accepted(String),
    Refused,
    /// It panicked.
    Broken,
}

/// How a command ends.
pub(super) enum Outcome {
    /// What was last decided is committed, or refused on committed states.
    Done(Vec<Mark>),
    Replayed(Stored),
    Unloadable(LoadError),
    Failed(AppendError),
}

/// A command whose types are erased.
pub(super) trait Job: Send {
    fn request(&self) -> &Request;
    fn decide(&mut self, streams: &mut Streams) -> Decision;
    /// Whether what was decided last is a refusal.
    fn is_refused(&self) -> bool;
    fn end(self: Box<Self>, outcome: Outcome);
}

/// A command that waits.
pub(super) struct Waiting {
    pub(super) job: Box<dyn Job>,
    /// The streams that it asked for so far.
    pub(super) needs: Vec<(StreamId, StreamKind)>,
    /// Under which scope and id its answer is stored, when it has a key.
    pub(super) stored_as: Option<(Uuid, Uuid)>,
    /// Whether its idempotency key is known to be unused, or was so a moment ago.
    pub(super) looked_up: bool,
    /// The keys of the persons whose data it stores, as far as they were fetched.
    pub(super) keys: Keys,
    /// How often it was sent.
    pub(super) attempts: u32,
    /// Its place among the commands that may wait.
    pub(super) _permit: OwnedSemaphorePermit,
}

/// Committed, or found by its key.
pub(super) enum Kept<T> {
    Stored(T, Vec<Mark>),
    Replayed(Stored),
}

pub(super) type Answer<T, E> = Result<Kept<T>, ExecuteError<E>>;

/// A command with its types.
pub(super) struct Typed<T, E, F> {
    pub(super) request: Request,
    pub(super) decide: F,
    pub(super) decided: Option<Result<T, E>>,
    pub(super) answer: oneshot::Sender<Answer<T, E>>,
}

impl<T, E, F> Job for Typed<T, E, F>
where
    T: Send,
    E: Send,
    F: FnMut(&mut Streams) -> Result<Accepted<T>, Stop<E>> + Send,
{
    fn request(&self) -> &Request {
        &self.request
    }

    fn decide(&mut self, streams: &mut Streams) -> Decision {
        // One command's fault must not end the task that writes for all.
        let decided = catch_unwind(AssertUnwindSafe(|| (self.decide)(streams)));
        match decided {
            Err(_) => Decision::Broken,
            Ok(Err(Stop::Missing(stream, kind))) => Decision::Missing(stream, kind),
            Ok(Err(Stop::Refused(refusal))) => {
                self.decided = Some(Err(refusal));
                Decision::Refused
            }
            Ok(Ok(accepted)) => {
                self.decided = Some(Ok(accepted.value));
                Decision::Accepted(accepted.answer)
            }
        }
    }

    fn is_refused(&self) -> bool {
        matches!(self.decided, Some(Err(_)))
    }

    fn end(self: Box<Self>, outcome: Outcome) {
        let answer = match (outcome, self.decided) {
            (Outcome::Done(marks), Some(Ok(value))) => Ok(Kept::Stored(value, marks)),
            (Outcome::Done(_), Some(Err(refusal))) => Err(ExecuteError::Refused(refusal)),
            (Outcome::Done(_), None) => {
                let why = "a command was answered before it was decided".to_owned();
                Err(AppendError::Fault(why).into())
            }
            (Outcome::Replayed(stored), _) => Ok(Kept::Replayed(stored)),
            (Outcome::Unloadable(error), _) => Err(ExecuteError::Load(error)),
            (Outcome::Failed(error), _) => Err(error.into()),
        };
        // A caller that has gone does not undo what is stored.
        let _gone = self.answer.send(answer);
    }
}

impl Waiting {
    pub(super) fn end(self, outcome: Outcome) {
        self.job.end(outcome);
    }

    pub(super) fn fail(self, error: AppendError) {
        self.end(Outcome::Failed(error));
    }

    pub(super) fn need(&mut self, stream: StreamId, kind: StreamKind) {
        if !self.needs.iter().any(|(known, _)| *known == stream) {
            self.needs.push((stream, kind));
        }
    }
}

/// The reason behind a decision that panicked; the panic itself is in the service's log.
pub(super) fn broken() -> AppendError {
    AppendError::Fault("a decision panicked".to_owned())
}
