//! Events that were read at once.

use std::collections::HashMap;

use super::Error;
use crate::personal::{Keyring, Place, mentions, open_with, persons_to_open};
use crate::recorded::{BorrowedEvent, PAYLOAD, Position, RecordedEvent};
use crate::wire::Rows;

/// Events that follow each other in the log or in their streams, as the server sent them: each is parsed when it is
/// asked for, and borrows its texts from here.
pub struct Page {
    rows: Rows,
    last: Position,
    len: usize,
    /// Payloads in clear that stand for sealed ones, by position.
    opened: HashMap<Position, String>,
}

impl Page {
    /// The events of `rows`, the first of which follows `after`.
    pub(super) fn of(rows: Rows, after: Position) -> Result<Self, Error> {
        let (mut last, mut len) = (after, 0);
        for mut row in rows.iter() {
            let position = row.bigint()?;
            if position != last + 1 {
                return Err(Error::Hole {
                    after: last,
                    found: position,
                });
            }
            last = position;
            len += 1;
        }
        Ok(Self {
            rows,
            last,
            len,
            opened: HashMap::new(),
        })
    }

    /// The events of `rows`, whatever their positions: those of streams, or what an auditor looks at.
    pub(crate) fn as_they_are(rows: Rows) -> Result<Self, Error> {
        let (mut last, mut len) = (0, 0);
        for mut row in rows.iter() {
            last = row.bigint()?;
            len += 1;
        }
        Ok(Self {
            rows,
            last,
            len,
            opened: HashMap::new(),
        })
    }

    /// The position of its last event.
    pub fn last(&self) -> Position {
        self.last
    }

    /// How many events it has, at least one.
    #[allow(clippy::len_without_is_empty, reason = "none is empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Its events in the order of the log.
    ///
    /// # Errors
    /// [`Error::Fault`] when a row is not of the form of the table.
    pub fn events(&self) -> impl Iterator<Item = Result<BorrowedEvent<'_>, Error>> {
        self.rows.iter().map(|mut row| {
            let mut event = BorrowedEvent::from_fields(&mut row)?;
            if let Some(payload) = self.opened.get(&event.position) {
                event.payload = payload;
            }
            Ok(event)
        })
    }

    /// Its events as they are stored, and the leaf hash that stands with each; of a reader that was
    /// made [`with_leaves`](super::LogReader::with_leaves).
    ///
    /// # Errors
    /// As [`Self::events`], and when it was read without them.
    pub fn leaves(&self) -> impl Iterator<Item = Result<(BorrowedEvent<'_>, &[u8]), Error>> {
        self.rows.iter().map(|mut row| {
            let event = BorrowedEvent::from_fields(&mut row)?;
            Ok((event, row.raw()?.unwrap_or_default()))
        })
    }

    /// Its events with texts of their own.
    ///
    /// # Errors
    /// As [`Self::events`].
    pub fn to_owned_events(&self) -> Result<Vec<RecordedEvent>, Error> {
        let mut events = Vec::with_capacity(self.len);
        for event in self.events() {
            events.push(event?.to_owned());
        }
        Ok(events)
    }

    /// Opens what is sealed in its events: what they give from then on is in clear, or null where
    /// the key was destroyed.
    ///
    /// # Errors
    /// [`Error::Personal`]; nothing is opened then.
    pub async fn open(&mut self, keyring: &Keyring) -> Result<(), Error> {
        let marked = self.marked()?;
        if marked.is_empty() {
            return Ok(());
        }
        let mut persons = Vec::new();
        for event in &marked {
            persons.extend(persons_to_open(event.payload)?);
        }
        let keys = keyring.for_opening(&persons).await?;
        let mut opened = HashMap::with_capacity(marked.len());
        for event in &marked {
            let payload = open_with(&keys, &Place::of(event), event.payload)?;
            opened.insert(event.position, payload.into_owned());
        }
        self.opened = opened;
        Ok(())
    }

    /// The events that may hold something personal.
    fn marked(&self) -> Result<Vec<BorrowedEvent<'_>>, Error> {
        let mut marked = Vec::new();
        for mut row in self.rows.iter() {
            if row.clone().skip(PAYLOAD)?.text().map(mentions)? {
                marked.push(BorrowedEvent::from_fields(&mut row)?);
            }
        }
        Ok(marked)
    }
}
