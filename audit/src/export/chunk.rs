//! The events of a range as lines, a page of the log at a time.

use std::collections::VecDeque;

use event_store::Position;
use event_store::read::{self, LogReader, Page};
use sqlx::PgPool;
use uuid::Uuid;

use super::Error;
use super::line::Lines;

/// What is exported.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The epoch of the log.
    pub epoch: Uuid,
    /// The first position.
    pub first: Position,
    /// The last one.
    pub last: Position,
    /// Of which contexts; of all when none is named.
    pub contexts: Vec<String>,
}

/// Lines that follow each other.
#[derive(Debug, Default)]
pub struct Chunk {
    /// The lines.
    pub lines: Vec<u8>,
    /// How many they are; none where all events were of other contexts.
    pub events: u64,
    /// All that was selected up to here is in them, or came before.
    pub last: Position,
}

/// Reads what is selected. Its memory is that of a page and its lines.
pub struct Chunks {
    reader: LogReader,
    lines: Lines,
    selection: Selection,
    /// No chunk goes beyond a multiple of it.
    cut: Position,
    made: VecDeque<Chunk>,
}

impl Chunks {
    /// What is selected of the log of `pool`, over a connection of its own. No chunk holds positions
    /// on both sides of a multiple of `cut`.
    pub fn of(pool: &PgPool, selection: Selection, cut: Position) -> Self {
        Self {
            reader: LogReader::with_leaves(pool, selection.first - 1),
            lines: Lines::of(selection.epoch),
            selection,
            cut: cut.max(1),
            made: VecDeque::new(),
        }
    }

    /// The next lines; none at the end of the range. Given up while it waits it loses nothing.
    ///
    /// # Errors
    /// When the log's database is away, the log has a hole, or it ends before the range does.
    pub async fn next(&mut self) -> Result<Option<Chunk>, Error> {
        loop {
            if let Some(chunk) = self.made.pop_front() {
                return Ok(Some(chunk));
            }
            if self.reader.position() >= self.selection.last {
                return Ok(None);
            }
            match self.reader.next().await? {
                Some(page) => self.take(&page)?,
                None => {
                    let reached = self.reader.position();
                    return Err(Error::Ended { reached });
                }
            }
        }
    }

    fn take(&mut self, page: &Page) -> Result<(), read::Error> {
        let mut chunk = Chunk::default();
        for read in page.leaves() {
            let (event, leaf_hash) = read?;
            if event.position > self.selection.last {
                break;
            }
            let contexts = &self.selection.contexts;
            if contexts.is_empty() || contexts.iter().any(|name| name == event.context()) {
                self.lines.push(&mut chunk.lines, &event, leaf_hash);
                chunk.events += 1;
            }
            chunk.last = event.position;
            if event.position % self.cut == 0 {
                self.made.push_back(std::mem::take(&mut chunk));
            }
        }
        if chunk.last > 0 {
            self.made.push_back(chunk);
        }
        Ok(())
    }
}
