//! Appending: what a command wants stored, and what comes of it.
//!
//! One task writes. It decides each command on the states that the commands before it will leave,
//! sends what they decided as one transaction, and may send the next while the first commits; it
//! answers after the commit. `docs/architecture.md` has the walk.

mod answer;
mod ask;
mod batch;
mod connect;
mod desk;
mod execute;
mod job;
mod lock;
mod measure;
mod queue;
mod resolve;
mod rows;
mod spans;
mod turn;
mod writer;

use chrono::{DateTime, Utc};
use domain::streams::{DecidedEvent, StreamId};
use serde::Serialize;
use uuid::Uuid;

use crate::idempotency::NewRecord;
use crate::recorded::Position;

pub use job::{Accepted, ExecuteError, Executed, Request, Stop};
pub(crate) use queue::{Parts, Queue, start};
pub use writer::WriterError;

/// What one command wants stored: all of it or nothing.
#[derive(Debug, Clone)]
pub struct Append {
    /// New events, stream by stream.
    pub streams: Vec<StreamAppend>,
    /// Who did it and why, written with each event.
    pub metadata: Metadata,
    /// When it happened, when that is earlier than now (an import).
    pub occurred_at: Option<DateTime<Utc>>,
    /// The answer to give again when the command comes again.
    pub idempotency: Option<NewRecord>,
}

/// New events of one stream.
#[derive(Debug, Clone)]
pub struct StreamAppend {
    /// The stream.
    pub stream: StreamId,
    /// How many events it has; 0 when it does not exist.
    pub expected_version: u64,
    /// The events that follow.
    pub events: Vec<DecidedEvent>,
}

/// Where an event comes from.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    /// The account that asked, if anybody was signed in.
    pub actor: Option<Uuid>,
    /// The request that asked.
    pub request_id: String,
    /// What the request belongs to.
    pub correlation_id: String,
    /// The event or request that led to it.
    pub causation_id: String,
    /// W3C trace context of the request, if it had one.
    pub traceparent: Option<String>,
    /// Whether it is history that was imported.
    pub imported: bool,
}

/// [`Metadata`] as it is stored: a JSON object of strings, which a stock cqrs-es reads too.
#[derive(Serialize)]
struct StoredMetadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Uuid>,
    causation_id: &'a str,
    correlation_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<&'static str>,
    request_id: &'a str,
    /// The last member: `trace.rs` looks for it there.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
}

impl Metadata {
    pub(crate) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(&StoredMetadata {
            actor: self.actor,
            causation_id: &self.causation_id,
            correlation_id: &self.correlation_id,
            imported: self.imported.then_some("true"),
            request_id: &self.request_id,
            traceparent: self.traceparent.as_deref(),
        })
    }
}

/// Where a stream stands in the log: what a consistency token is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mark {
    /// The context, which names the topic.
    pub context: String,
    /// The partition of the topic.
    pub partition: i32,
    /// The position of the stream's last event.
    pub position: Position,
}

/// A command that was committed.
#[derive(Debug, Clone, PartialEq)]
pub struct Appended {
    /// Where each stream it wrote to stands now, in the order of [`Append::streams`].
    pub marks: Vec<Mark>,
}

/// Why a command was not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// Another command wrote to one of its streams first: load and decide again.
    #[error("stream {stream:?} has {actual} events, not {expected}")]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// How many events the command knew.
        expected: u64,
        /// How many there are.
        actual: u64,
    },
    /// Another command with this idempotency key was stored first.
    #[error("a command with this idempotency key was stored already")]
    KeyUsed,
    /// It is about a person whose personal data were erased: nothing more is stored about them.
    #[error("the personal data of {0} was erased, and nothing more is stored about that person")]
    Erased(Uuid),
    /// More commands wait than the log takes: try later.
    #[error("too many commands are waiting")]
    Busy,
    /// The database is away: nothing was stored.
    #[error("the log's database is away: {0}")]
    Away(String),
    /// The connection broke during the commit, and the database has not come back to tell.
    #[error("the log's database went away during the commit; the outcome is not known")]
    Unknown,
    /// A fault of this program or its database.
    #[error("the log could not store the command: {0}")]
    Fault(String),
}
