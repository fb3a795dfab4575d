//! An in-memory log that decisions run against, as a service runs them against the real one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use domain::decider::{Decider, Kind, Rejection};
use domain::streams::{AnyState, DecidedEvent, Halt, Loaded, StreamId, StreamKind, Streams};
use domain::upcast::StoredEvent;
use uuid::Uuid;

use crate::support::noon;

/// The log, the clock, and the states as the decisions left them.
pub(crate) struct World {
    pub(crate) now: DateTime<Utc>,
    log: BTreeMap<StreamId, Vec<DecidedEvent>>,
    carried: BTreeMap<StreamId, AnyState>,
}

/// What a decision led to.
#[must_use]
pub(crate) struct Outcome<T> {
    pub(crate) answer: Result<T, Box<dyn Rejection>>,
    /// What was recorded, in the order in which it was decided.
    pub(crate) events: Vec<(StreamId, DecidedEvent)>,
}

impl World {
    /// Nothing has happened yet; it is noon on the 1st of June.
    pub(crate) fn empty() -> Self {
        Self {
            now: noon(1),
            log: BTreeMap::new(),
            carried: BTreeMap::new(),
        }
    }

    /// Runs `decision`, loading what it asks for, and records what it decided.
    pub(crate) fn run<T>(
        &mut self,
        decision: impl Fn(&mut Streams) -> Result<T, Halt>,
    ) -> Outcome<T> {
        let mut streams = Streams::default();
        let mut asked = BTreeSet::new();
        let answer = loop {
            streams.restart();
            match decision(&mut streams) {
                Ok(answer) => break Ok(answer),
                Err(Halt::Rejected(rejection)) => break Err(rejection),
                Err(Halt::Missing(stream, kind)) => {
                    assert!(asked.insert(stream), "asked twice for {stream:?}");
                    streams.insert(stream, self.load(stream, kind));
                }
                Err(Halt::Corrupt(error)) => panic!("{error}"),
            }
        };
        let events = match answer {
            Ok(_) => self.append(&streams),
            Err(_) => Vec::new(),
        };
        Outcome { answer, events }
    }

    fn load(&self, stream: StreamId, kind: StreamKind) -> Loaded {
        let events = self.events(stream);
        let versions: Vec<String> = events.iter().map(|e| e.event_version.to_string()).collect();
        let stored: Vec<StoredEvent<'_>> = events
            .iter()
            .zip(&versions)
            .map(|(event, event_version)| StoredEvent {
                event_type: event.event_type,
                event_version,
                payload: &event.payload,
            })
            .collect();
        Loaded {
            version: events.len() as u64,
            last_occurred_at: None,
            state: (kind.fold)(&(kind.empty)(), &stored).unwrap(),
        }
    }

    fn append(&mut self, streams: &Streams) -> Vec<(StreamId, DecidedEvent)> {
        let mut appended = Vec::new();
        for draft in streams.drafts() {
            let stored = self.log.entry(draft.stream).or_default();
            assert_eq!(draft.expected_version, stored.len() as u64);
            assert!(!draft.events.is_empty(), "an empty draft: {draft:?}");
            stored.extend(draft.events.iter().cloned());
            self.carried.insert(draft.stream, Arc::clone(&draft.state));
            appended.extend(
                draft
                    .events
                    .iter()
                    .map(|event| (draft.stream, event.clone())),
            );
        }
        appended
    }

    /// Every stream that has events.
    pub(crate) fn streams(&self) -> impl Iterator<Item = StreamId> {
        self.log.keys().copied()
    }

    /// The events of a stream, oldest first.
    pub(crate) fn events(&self, stream: StreamId) -> &[DecidedEvent] {
        self.log.get(&stream).map_or(&[], Vec::as_slice)
    }

    /// The events of an aggregate as its own type.
    pub(crate) fn history<D: Decider>(&self, id: Uuid) -> Vec<D::Event> {
        let stored = self.events(StreamId::of::<D>(id));
        let read = stored
            .iter()
            .map(|event| serde_json::from_str(&event.payload));
        read.collect::<Result<_, _>>().unwrap()
    }

    /// The state of an aggregate, replayed from its stored events.
    pub(crate) fn state<D: Decider>(&self, id: Uuid) -> D::State {
        let loaded = self.load(StreamId::of::<D>(id), StreamKind::of::<D>());
        D::State::clone(&loaded.state.downcast::<D::State>().unwrap())
    }

    /// The state of an aggregate as the last decision on it left it.
    pub(crate) fn carried<D: Decider>(&self, id: Uuid) -> D::State {
        let state = Arc::clone(&self.carried[&StreamId::of::<D>(id)]);
        D::State::clone(&state.downcast::<D::State>().unwrap())
    }
}

impl Outcome<()> {
    /// Nothing was asked for.
    pub(crate) fn idle() -> Self {
        Self {
            answer: Ok(()),
            events: Vec::new(),
        }
    }
}

impl<T: Debug> Outcome<T> {
    pub(crate) fn without_answer(self) -> Outcome<()> {
        Outcome {
            answer: self.answer.map(|_| ()),
            events: self.events,
        }
    }

    /// What the caller is told, when the decision was carried out.
    #[track_caller]
    pub(crate) fn done(self) -> T {
        match self.answer {
            Ok(answer) => answer,
            Err(rejection) => panic!("refused: {rejection}"),
        }
    }

    /// Checks that just these events were recorded, in this order.
    #[track_caller]
    pub(crate) fn recorded(self, expected: &[&str]) {
        let names: Vec<_> = self
            .events
            .iter()
            .map(|(_, event)| event.event_type)
            .collect();
        self.done();
        assert_eq!(names, expected);
    }

    /// Checks that it was accepted and changed nothing.
    #[track_caller]
    pub(crate) fn nothing(self) {
        self.recorded(&[]);
    }

    /// Checks that it was refused for just this reason.
    #[track_caller]
    pub(crate) fn refused<R: Rejection + PartialEq>(self, expected: R) {
        let rejection = match self.answer {
            Ok(answer) => panic!("not refused, but answered {answer:?}"),
            Err(rejection) => rejection,
        };
        let error: &(dyn std::error::Error + 'static) = rejection.as_ref();
        assert_eq!(error.downcast_ref::<R>(), Some(&expected), "{rejection}");
    }

    /// Whether the caller may do this at all; any refusal but that one fails the test.
    #[track_caller]
    pub(crate) fn permitted(self) -> bool {
        match self.answer {
            Ok(_) => true,
            Err(rejection) if rejection.verdict().kind == Kind::Forbidden => false,
            Err(rejection) => panic!("refused: {rejection}"),
        }
    }
}
