//! The log, so many positions at a time, each in few bytes.

use std::collections::VecDeque;

use event_store::read::LogReader;
use event_store::{Position, RecordedEvent};
use sqlx::PgPool;
use uuid::Uuid;

use super::Error;
use super::places::Places;
use super::print::{Print, Printer};
use crate::streams::Metadata;

/// What is kept of an event.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) event_id: Uuid,
    /// The number of its place.
    pub(super) place: usize,
    /// Whose event it is, where anybody asks.
    pub(super) kind: Option<usize>,
    /// Whether it is history that was imported.
    pub(super) imported: bool,
    pub(super) print: Print,
    /// Where its first message is.
    pub(super) offset: Option<i64>,
    pub(super) copies: u32,
    pub(super) altered: bool,
}

/// Events that follow each other.
#[derive(Debug)]
pub(super) struct Window {
    /// The position of the first.
    pub(super) first: Position,
    pub(super) entries: Vec<Entry>,
}

impl Window {
    /// The position of the last.
    pub(super) fn last(&self) -> Position {
        self.first + self.entries.len() as i64 - 1
    }

    pub(super) fn at(&mut self, position: Position) -> Option<&mut Entry> {
        let index = usize::try_from(position - self.first).ok()?;
        self.entries.get_mut(index)
    }

    pub(super) fn positions(&self) -> impl Iterator<Item = (Position, &Entry)> {
        (self.first..).zip(&self.entries)
    }
}

/// What tells entries from events.
#[derive(Debug, Clone)]
pub(super) struct Form {
    pub(super) places: Places,
    pub(super) epoch: Uuid,
    pub(super) printer: Printer,
    /// The aggregate types that anybody asks about.
    pub(super) kinds: Vec<String>,
}

impl Form {
    /// What is kept of `event`.
    pub(super) fn entry<T: AsRef<str>>(&self, event: &RecordedEvent<T>) -> Result<Entry, Error> {
        let (position, partition) = (event.position, event.partition);
        Ok(Entry {
            event_id: event.event_id,
            place: self.places.number(position, event.context(), partition)?,
            kind: self
                .kinds
                .iter()
                .position(|kind| kind == event.aggregate_type.as_ref()),
            imported: is_imported(event)?,
            print: self.printer.of_event(event, self.epoch),
            offset: None,
            copies: 0,
            altered: false,
        })
    }
}

fn is_imported<T: AsRef<str>>(event: &RecordedEvent<T>) -> Result<bool, Error> {
    // Few are, and few others say so elsewhere.
    if !event.metadata.as_ref().contains("imported") {
        return Ok(false);
    }
    let metadata: Result<Metadata, _> = serde_json::from_str(event.metadata.as_ref());
    let metadata = metadata.map_err(|source| Error::Malformed {
        position: event.position,
        source,
    })?;
    Ok(metadata.imported.is_some())
}

/// Reads one window after the other.
pub(super) struct Windows {
    reader: LogReader,
    next: Position,
    to: Position,
    size: usize,
    read: VecDeque<Entry>,
}

impl Windows {
    /// The positions from `from` to `to`, at most `size` at a time.
    pub(super) fn new(log: &PgPool, (from, to): (Position, Position), size: usize) -> Self {
        Self {
            reader: LogReader::new(log, from - 1),
            next: from,
            to,
            size: size.max(1),
            read: VecDeque::new(),
        }
    }

    /// The next window; an empty one at the end.
    pub(super) async fn next(&mut self, form: &Form) -> Result<Window, Error> {
        while self.read.len() < self.size && self.reader.position() < self.to {
            let Some(page) = self.reader.next().await? else {
                return Err(Error::Shrank { to: self.to });
            };
            for event in page.events() {
                let event = event?;
                if event.position <= self.to {
                    self.read.push_back(form.entry(&event)?);
                }
            }
        }
        let (first, count) = (self.next, self.read.len().min(self.size));
        self.next += count as i64;
        let entries = self.read.drain(..count).collect();
        Ok(Window { first, entries })
    }
}
