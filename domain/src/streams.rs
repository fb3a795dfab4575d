//! The streams that one command concerns: what a decision has read, and what it decided.
//!
//! A decision is a pure function over [`Streams`]. It asks for a state when it needs one; when
//! that stream is not loaded yet it halts with [`Halt::Missing`], the caller loads the stream and
//! runs the decision again. So a decision may follow its nose (a reservation names its hotel)
//! and still does no I/O.

use std::any::Any;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::decider::{self, Decider, Event, Rejection};
use crate::upcast::{self, ReadError, StoredEvent};

/// A state whose type only its [`StreamKind`] knows.
pub type AnyState = Arc<dyn Any + Send + Sync>;

/// The name of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StreamId {
    /// [`Decider::TYPE`] of the aggregate.
    pub aggregate_type: &'static str,
    /// The id of the aggregate.
    pub id: Uuid,
}

/// Ids are unique across types, so the id alone tells streams apart.
impl Hash for StreamId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

impl StreamId {
    /// The stream of the aggregate `id` of `D`.
    pub fn of<D: Decider>(id: Uuid) -> Self {
        Self {
            aggregate_type: D::TYPE,
            id,
        }
    }
}

/// A decider whose types are erased, so that a store can fold any stream.
#[derive(Clone, Copy)]
pub struct StreamKind {
    /// [`Decider::TYPE`].
    pub aggregate_type: &'static str,
    /// The state of a stream without events.
    pub empty: fn() -> AnyState,
    /// Folds stored events, oldest first, into a state of this kind. Old ones are upcast, and what
    /// is personal among them has been opened.
    pub fold: fn(&AnyState, &[StoredEvent<'_>]) -> Result<AnyState, FoldError>,
    /// Whether a stored event can be read as one of this kind.
    pub check: fn(StoredEvent<'_>) -> Result<(), ReadError>,
    /// A state of this kind as JSON, for a snapshot; none for a kind that keeps no state.
    pub save: fn(&AnyState) -> Result<Option<String>, FoldError>,
    /// The state of a snapshot.
    pub restore: fn(&str) -> Result<AnyState, FoldError>,
    /// Whether the states of this kind say nothing: see [`StreamKind::opaque`].
    pub opaque: bool,
}

impl std::fmt::Debug for StreamKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.aggregate_type)
    }
}

/// A stored event that its aggregate can't read.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The stored event is not one of this aggregate's, or of a version that it does not know.
    #[error("stored event {index} of {aggregate_type}: {source}")]
    Unreadable {
        /// Whose event.
        aggregate_type: &'static str,
        /// Which of the stored events, from 0.
        index: usize,
        /// What is wrong with it.
        source: ReadError,
    },
    /// The state given is one of another aggregate.
    #[error("the state is not one of {0}")]
    ForeignState(&'static str),
    /// A snapshot is not a state of this aggregate, or can't be made of one.
    #[error("a snapshot of {aggregate_type}: {source}")]
    Snapshot {
        /// Whose snapshot.
        aggregate_type: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl StreamKind {
    /// The kind of `D`'s streams.
    pub fn of<D: Decider>() -> Self {
        Self {
            aggregate_type: D::TYPE,
            empty: || Arc::new(D::State::default()),
            fold: |state, stored| {
                let state = downcast::<D>(state)?;
                let mut next = D::State::clone(&state);
                for (index, one) in stored.iter().enumerate() {
                    let evolve = |event| next = D::evolve(std::mem::take(&mut next), &event);
                    let unreadable = |source| FoldError::Unreadable {
                        aggregate_type: D::TYPE,
                        index,
                        source,
                    };
                    upcast::read_each(*one, evolve).map_err(unreadable)?;
                }
                Ok(Arc::new(next))
            },
            check: |stored| upcast::read_each::<D::Event>(stored, drop),
            save: |state| {
                let json = serde_json::to_string(&*downcast::<D>(state)?);
                json.map(Some).map_err(snapshot_error::<D>)
            },
            restore: |json| {
                let state: D::State = serde_json::from_str(json).map_err(snapshot_error::<D>)?;
                Ok(Arc::new(state))
            },
            opaque: false,
        }
    }

    /// Streams of which only the number of events matters, for events that were decided elsewhere.
    pub fn opaque(aggregate_type: &'static str) -> Self {
        Self {
            aggregate_type,
            empty: || Arc::new(()),
            fold: |state, _| Ok(Arc::clone(state)),
            check: |_| Ok(()),
            save: |_| Ok(None),
            restore: |_| Ok(Arc::new(())),
            opaque: true,
        }
    }
}

fn snapshot_error<D: Decider>(source: serde_json::Error) -> FoldError {
    FoldError::Snapshot {
        aggregate_type: D::TYPE,
        source,
    }
}

fn downcast<D: Decider>(state: &AnyState) -> Result<Arc<D::State>, FoldError> {
    Arc::clone(state)
        .downcast::<D::State>()
        .map_err(|_| FoldError::ForeignState(D::TYPE))
}

/// Why a decision stopped.
#[derive(Debug)]
pub enum Halt {
    /// It needs this stream: load it and decide again.
    Missing(StreamId, StreamKind),
    /// The command is refused.
    Rejected(Box<dyn Rejection>),
    /// A stored event could not be read.
    Corrupt(FoldError),
}

impl<R: Rejection> From<R> for Halt {
    fn from(rejection: R) -> Self {
        Self::Rejected(Box::new(rejection))
    }
}

/// A stream as it was loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Its number of events; 0 when it does not exist.
    pub version: u64,
    /// When its last event happened.
    pub last_occurred_at: Option<DateTime<Utc>>,
    /// Its state.
    pub state: AnyState,
}

/// What was decided on one stream since it was loaded.
#[derive(Debug)]
pub struct Draft {
    /// The stream.
    pub stream: StreamId,
    /// What folds it.
    pub kind: StreamKind,
    /// Its number of events when it was loaded.
    pub expected_version: u64,
    /// What was decided, oldest first.
    pub events: Vec<DecidedEvent>,
    /// Its state with those events.
    pub state: AnyState,
}

/// An event that was decided and is not yet stored.
#[derive(Debug, Clone, PartialEq)]
pub struct DecidedEvent {
    /// [`Event::name`].
    pub event_type: &'static str,
    /// [`Event::version`].
    pub event_version: u16,
    /// The event as JSON, byte for byte as it is to be stored.
    pub payload: String,
}

/// The streams that a decision has read so far, and what it decided on them.
#[derive(Debug, Default)]
pub struct Streams {
    /// A command concerns few streams: looking through them is as quick as hashing.
    loaded: Vec<(StreamId, Loaded)>,
    drafts: Vec<Draft>,
}

impl Streams {
    /// Adds a stream that was loaded, or replaces it by a newer load.
    pub fn insert(&mut self, stream: StreamId, loaded: Loaded) {
        match self.loaded.iter_mut().find(|(known, _)| *known == stream) {
            Some((_, known)) => *known = loaded,
            None => self.loaded.push((stream, loaded)),
        }
    }

    /// The stream as it was loaded, if it was.
    pub fn loaded(&self, stream: &StreamId) -> Option<&Loaded> {
        let mut all = self.loaded.iter();
        all.find(|(known, _)| known == stream)
            .map(|(_, loaded)| loaded)
    }

    /// Every stream that was loaded.
    pub fn read(&self) -> impl Iterator<Item = (&StreamId, &Loaded)> {
        self.loaded.iter().map(|(stream, loaded)| (stream, loaded))
    }

    /// What was decided, in the order in which the streams were first decided on.
    pub fn drafts(&self) -> &[Draft] {
        &self.drafts
    }

    /// What was decided, to be stored; nothing is left.
    pub fn take_drafts(&mut self) -> Vec<Draft> {
        std::mem::take(&mut self.drafts)
    }

    /// Forgets what was decided, so that the decision can be run again.
    pub fn restart(&mut self) {
        self.drafts.clear();
    }

    /// The state of the aggregate `id`, with what was decided on it.
    pub fn state<D: Decider>(&self, id: Uuid) -> Result<Arc<D::State>, Halt> {
        let (stream, loaded) = self.loaded_or_missing::<D>(id)?;
        let draft = self.drafts.iter().find(|draft| draft.stream == stream);
        let state = draft.map_or(&loaded.state, |draft| &draft.state);
        downcast::<D>(state).map_err(Halt::Corrupt)
    }

    /// Lets the aggregate `id` decide `command`, and folds what it decided into its state.
    pub fn decide<D: Decider>(&mut self, id: Uuid, command: D::Command) -> Result<(), Halt> {
        let state = self.state::<D>(id)?;
        let events = D::decide(&state, command)?;
        if events.is_empty() {
            return Ok(());
        }
        let next = decider::fold::<D>(D::State::clone(&state), &events);
        let draft = self.draft(StreamId::of::<D>(id), StreamKind::of::<D>())?;
        draft.state = Arc::new(next);
        draft.events.extend(events.iter().map(DecidedEvent::new));
        Ok(())
    }

    /// Adds events that were decided elsewhere; the state of their stream is not known with them.
    pub fn append(&mut self, stream: StreamId, events: &[DecidedEvent]) -> Result<(), Halt> {
        let draft = self.draft(stream, StreamKind::opaque(stream.aggregate_type))?;
        draft.events.extend_from_slice(events);
        Ok(())
    }

    fn draft(&mut self, stream: StreamId, kind: StreamKind) -> Result<&mut Draft, Halt> {
        let known = self.drafts.iter().position(|draft| draft.stream == stream);
        let index = match known {
            Some(index) => index,
            None => {
                let missing = Halt::Missing(stream, kind);
                let loaded = self.loaded(&stream).ok_or(missing)?;
                let draft = Draft {
                    stream,
                    kind,
                    expected_version: loaded.version,
                    events: Vec::new(),
                    state: Arc::clone(&loaded.state),
                };
                self.drafts.push(draft);
                self.drafts.len() - 1
            }
        };
        Ok(&mut self.drafts[index])
    }

    fn loaded_or_missing<D: Decider>(&self, id: Uuid) -> Result<(StreamId, &Loaded), Halt> {
        let stream = StreamId::of::<D>(id);
        match self.loaded(&stream) {
            Some(loaded) => Ok((stream, loaded)),
            None => Err(Halt::Missing(stream, StreamKind::of::<D>())),
        }
    }
}

impl DecidedEvent {
    fn new<E: Event>(event: &E) -> Self {
        Self {
            event_type: event.name(),
            event_version: event.version(),
            payload: stored_json(event),
        }
    }
}

/// The JSON that is stored for `event`.
///
/// # Panics
/// When the event type has a map whose keys are not strings, which the snapshot of stored events
/// of that type would have shown.
pub fn stored_json<E: Event>(event: &E) -> String {
    #[expect(
        clippy::expect_used,
        reason = "a property of the type, tested by snapshots"
    )]
    serde_json::to_string(event).expect("events are plain data")
}
