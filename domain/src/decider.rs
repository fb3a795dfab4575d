//! The shape of every aggregate: `decide` says what happens, `evolve` says what it changes.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::upcast::{self, Upcaster};

/// A pure aggregate. `decide` refuses or returns the events that follow from a command;
/// `evolve` folds one event into the state. Time, ids and prices come in with the command.
pub trait Decider: 'static {
    /// `<context>.<aggregate>`; stored with every event, so it never changes.
    const TYPE: &'static str;
    /// What the events so far add up to; its `Default` is the stream that has none.
    type State: Default + Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync;
    /// What may be asked of the aggregate.
    type Command;
    /// What may have happened to it.
    type Event: Event;
    /// Why a command is not carried out.
    type Rejection: Rejection;

    /// The events that `command` leads to; none when it asks for what is so already.
    fn decide(
        state: &Self::State,
        command: Self::Command,
    ) -> Result<Vec<Self::Event>, Self::Rejection>;

    /// The state after `event`.
    fn evolve(state: Self::State, event: &Self::Event) -> Self::State;
}

/// Folds `events` into `state`.
pub fn fold<'a, D: Decider>(
    state: D::State,
    events: impl IntoIterator<Item = &'a D::Event>,
) -> D::State {
    events.into_iter().fold(state, D::evolve)
}

/// An event as it is stored: JSON with its name under `type`, and a schema version.
pub trait Event:
    Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + Sync + 'static
{
    /// The name of the variant, stored as the event's type.
    fn name(&self) -> &'static str;

    /// What becomes of events that earlier versions of the code have stored. When the JSON of an
    /// event changes, an upcaster takes its last version, and so raises [`version`](Self::version).
    fn upcasters() -> &'static [Upcaster] {
        &[]
    }

    /// The schema version of the payload. It follows from [`upcasters`](Self::upcasters), so it is
    /// raised there, and never written by hand.
    fn version(&self) -> u16 {
        upcast::current_version(Self::upcasters(), self.name())
    }
}

/// Why a command was not carried out: a lower-case sentence (`Display`) and a stable code.
pub trait Rejection: std::error::Error + Send + Sync + 'static {
    /// What kind of refusal it is, and its code for clients.
    fn verdict(&self) -> Verdict;
}

/// A refusal as a client sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// What the refusal means to the caller.
    pub kind: Kind,
    /// The stable name of the refusal, such as `no-room-available`; a page of `docs/errors`.
    pub code: &'static str,
    /// Members that a client may need beyond the sentence, as a JSON object or null.
    pub details: Value,
}

/// The four ways to be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was asked for does not exist.
    Unknown,
    /// It exists, but is not the caller's to change.
    Forbidden,
    /// A field can never be right; the JSON pointer names it.
    Invalid(&'static str),
    /// A rule of the domain stands against it now.
    Refused,
}

impl Verdict {
    /// What was asked for does not exist.
    pub fn unknown(code: &'static str) -> Self {
        Self::new(Kind::Unknown, code)
    }

    /// It is not the caller's to change.
    pub fn forbidden(code: &'static str) -> Self {
        Self::new(Kind::Forbidden, code)
    }

    /// The field at the JSON pointer can never be right.
    pub fn invalid(pointer: &'static str) -> Self {
        Self::new(Kind::Invalid(pointer), "validation")
    }

    /// A rule of the domain stands against it.
    pub fn refused(code: &'static str) -> Self {
        Self::new(Kind::Refused, code)
    }

    /// Adds members to the answer; `details` is a JSON object.
    pub fn with(mut self, details: Value) -> Self {
        self.details = details;
        self
    }

    fn new(kind: Kind, code: &'static str) -> Self {
        Self {
            kind,
            code,
            details: Value::Null,
        }
    }
}
