//! Where a stream stands: its version, its state, and its last event's place.

use chrono::{DateTime, Utc};
use domain::streams::{AnyState, Loaded, StreamId, StreamKind};
use domain::upcast::StoredEvent;
use uuid::Uuid;

use super::LoadError;
use crate::append::Mark;
use crate::database::is_away;
use crate::partition::context_of;
use crate::personal::{Held, Keyring};
use crate::wire::{self, Row};

/// A stream at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Point {
    /// Its number of events.
    pub(crate) version: u64,
    /// When its last event happened.
    pub(crate) last_occurred_at: Option<DateTime<Utc>>,
    /// Its last event.
    pub(crate) last_event: Uuid,
    /// Where it stands in the log; none before its first event.
    pub(crate) mark: Option<Mark>,
    /// Its state; none when only its version is known.
    pub(crate) state: Option<AnyState>,
    /// How many bytes of events were folded into it: about what it takes of memory.
    pub(crate) weight: usize,
    /// Whether its state has personal data in clear, and since when.
    pub(crate) held: Held,
}

impl Point {
    /// A stream without events.
    pub(crate) fn empty(kind: &StreamKind) -> Self {
        Self {
            version: 0,
            last_occurred_at: None,
            last_event: Uuid::nil(),
            mark: None,
            state: (!kind.opaque).then(kind.empty),
            weight: 0,
            held: Held::default(),
        }
    }

    /// As a decision sees it.
    pub(crate) fn loaded(&self, kind: &StreamKind) -> Loaded {
        Loaded {
            version: self.version,
            last_occurred_at: self.last_occurred_at,
            state: self.state.clone().unwrap_or_else(kind.empty),
        }
    }

    /// The stream after the events of `rows` (statement `tail`), which follow it. What is personal
    /// in them is opened.
    pub(crate) async fn follow(
        mut self,
        stream: StreamId,
        kind: &StreamKind,
        rows: &[Row],
        keyring: &Keyring,
    ) -> Result<Self, LoadError> {
        let Some(last) = rows.last() else {
            return Ok(self);
        };
        let mut stored = Vec::with_capacity(rows.len());
        for row in rows {
            self.version += 1;
            check(stream, self.version, row)?;
            let event = StoredEvent {
                payload: row.text(1)?,
                event_type: row.text(7)?,
                event_version: row.text(8)?,
            };
            self.weight += event.payload.len();
            stored.push(event);
        }
        if let Some(state) = &self.state {
            let opened = keyring.open_stored(stream, &stored).await?;
            if let Some(payloads) = &opened {
                self.held = self.held.and_now();
                for (one, payload) in stored.iter_mut().zip(payloads) {
                    one.payload = payload;
                }
            }
            self.state = Some((kind.fold)(state, &stored)?);
        }
        self.stand_at(stream, last)?;
        Ok(self)
    }

    /// Takes the place of its last event from `row`.
    pub(crate) fn stand_at(&mut self, stream: StreamId, row: &Row) -> Result<(), LoadError> {
        self.mark = Some(Mark {
            context: context_of(stream.aggregate_type).to_owned(),
            partition: row.integer(3)?,
            position: row.bigint(2)?,
        });
        self.last_occurred_at = Some(row.time(4)?);
        self.last_event = row.uuid(5)?;
        Ok(())
    }
}

fn check(stream: StreamId, sequence: u64, row: &Row) -> Result<(), LoadError> {
    let found = row.text(6)?;
    if found != stream.aggregate_type {
        let found = found.to_owned();
        return Err(LoadError::Foreign { stream, found });
    }
    if row.bigint(0)?.unsigned_abs() != sequence {
        return Err(LoadError::Hole { stream, sequence });
    }
    Ok(())
}

impl From<wire::Error> for LoadError {
    fn from(error: wire::Error) -> Self {
        match error.is_away() {
            true => Self::Away(error.to_string()),
            false => Self::Fault(error.to_string()),
        }
    }
}

impl From<sqlx::Error> for LoadError {
    fn from(error: sqlx::Error) -> Self {
        match is_away(&error) {
            true => Self::Away(error.to_string()),
            false => Self::Fault(error.to_string()),
        }
    }
}
