//! The tree: requests and policies, the events that each stored at once, and what followed.

use chrono::{DateTime, Utc};
use event_store::Position;
use serde::Serialize;
use uuid::Uuid;

use super::find::Found;
use crate::streams::Stream;

/// What is behind an event, and what followed from that.
#[derive(Debug, Clone, Serialize)]
pub struct Causes {
    /// Where the event is that was asked for.
    pub asked: Position,
    /// How it was found.
    pub found: Found,
    /// Where it began.
    pub origin: Origin,
    /// What was stored then, and everything that followed.
    pub happened: Append,
    /// Whether there is more than was looked for: see [`Event::more`].
    pub cut: bool,
}

/// Where it began.
#[derive(Debug, Clone, Serialize)]
pub struct Origin {
    /// The request, or the policy when what it reacted to is not known.
    pub request_id: Option<String>,
    /// The account that asked, if anybody was signed in.
    pub actor: Option<String>,
    /// What the request belongs to.
    pub correlation_id: Option<String>,
    /// The event that led to it and is not in this log, or is further away than was looked.
    pub caused_by: Option<Uuid>,
}

/// What was stored at once: all of one command.
#[derive(Debug, Clone, Serialize)]
pub struct Append {
    /// When it was stored.
    pub recorded_at: DateTime<Utc>,
    /// The request, or `policy <name>`.
    pub request_id: Option<String>,
    /// The account that asked, if anybody was signed in.
    pub actor: Option<String>,
    /// Whether it is history that was imported, from which nothing follows.
    pub imported: bool,
    /// Its events.
    pub events: Vec<Event>,
}

/// An event, and what followed from it.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// Its place in the log.
    pub position: Position,
    /// Its own id.
    pub id: Uuid,
    /// Whose event.
    pub stream: Stream,
    /// Its place in its stream.
    pub version: i64,
    /// The name of the event.
    #[serde(rename = "type")]
    pub event_type: String,
    /// When it happened; earlier than it was stored for an import.
    pub occurred_at: DateTime<Utc>,
    /// Whether it was asked for.
    pub asked: bool,
    /// What policies and effects did about it.
    pub followed: Vec<Reaction>,
    /// Whether more followed than was looked for.
    pub more: bool,
}

/// What a policy or an effect did about an event.
#[derive(Debug, Clone, Serialize)]
pub struct Reaction {
    /// The policy or effect.
    pub by: String,
    /// Its timer, when it is something for later.
    pub timer: Option<String>,
    /// When it is due, for what waits in `due`.
    pub due_at: Option<DateTime<Utc>>,
    /// What came of it.
    pub outcome: Outcome,
    /// When that was.
    pub at: Option<DateTime<Utc>>,
    /// What it stored.
    pub led_to: Vec<Append>,
}

/// What came of a reaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It was done.
    Done,
    /// The domain refused it.
    Refused {
        /// The code of the refusal.
        code: String,
    },
    /// It is not due yet, or is being done.
    Pending,
    /// Another event has cancelled it.
    Cancelled,
    /// It waits for an operator.
    Failed {
        /// What the last attempt came to.
        why: String,
    },
    /// The policy could not react: the event is parked.
    Parked {
        /// Why; none when it waits behind another event of its stream.
        why: Option<String>,
    },
}
