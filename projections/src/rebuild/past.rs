//! What a live table stands on: the events of its aggregate up to where it is, in the order of the
//! log.

use std::collections::HashSet;

use event_store::{Position, RecordedEvent, read};

use super::follow::Standing;
use super::progress::{Step, Teller};
use super::{Databases, Error};
use crate::runtime::Registered;
use crate::runtime::delivered::Delivered;
use crate::runtime::open;

/// How many events are read at once.
const PAGE: i64 = 5_000;

/// Where a pass over those events is.
pub(super) struct Past<'a> {
    databases: &'a Databases,
    projection: &'a Registered,
    standing: &'a Standing,
    teller: &'a Teller,
    position: Position,
}

impl<'a> Past<'a> {
    /// Begins a pass up to `standing`.
    pub(super) fn of(
        databases: &'a Databases,
        projection: &'a Registered,
        standing: &'a Standing,
        teller: &'a Teller,
    ) -> Self {
        teller.begin(Step::Explaining, standing.most().unsigned_abs());
        Self {
            databases,
            projection,
            standing,
            teller,
            position: 0,
        }
    }

    /// The next events, opened; none when there are no more. Those at the positions `without` are
    /// left out, and so is what can't be opened: it is in no table.
    pub(super) async fn next(
        &mut self,
        without: &HashSet<Position>,
    ) -> Result<Option<Vec<RecordedEvent>>, Error> {
        if self.position >= self.standing.most() {
            return Ok(None);
        }
        let page = read::after(&self.databases.log, self.position, PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(None);
        };
        let end = last.position;
        let of_it = page.into_iter().filter(|event| {
            event.aggregate_type == self.projection.aggregate_type
                && self.standing.has(event)
                && !without.contains(&event.position)
        });
        let events = opened(self.databases, self.standing, of_it.collect()).await?;
        self.teller.advance((end - self.position).unsigned_abs());
        self.position = end;
        Ok(Some(events))
    }
}

/// Those of `events` that can be opened.
pub(super) async fn opened(
    databases: &Databases,
    standing: &Standing,
    events: Vec<RecordedEvent>,
) -> Result<Vec<RecordedEvent>, Error> {
    let events = events.into_iter();
    let events = events.map(|event| Delivered::from_log(standing.epoch, event));
    let mut events: Vec<Delivered> = events.collect();
    open::open(&databases.keyring, &mut events).await?;
    let open = events.into_iter().filter(|one| one.closed.is_none());
    Ok(open.map(|one| one.event).collect())
}
