//! Batches of topic partitions: one transaction for their rows, what they park and their watermarks.

use std::collections::HashSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::apply::ApplyError;
use super::checkpoint::{self, Watermark};
use super::delivered::{Batch, Delivered};
use super::holes::{self, Hole};
use super::measure::Observed;
use super::park::{self, Sorted};
use super::projection::Registered;
use super::row_locks;
use super::run::{Error, Projector};
use super::slot::Slot;

/// A projector that is frozen in the middle of a batch must not keep the partition's rows locked: the
/// server ends its session.
const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// What became of batches that were tried together.
pub(super) enum Outcome {
    /// They are committed.
    Done,
    /// The database refuses a row of them.
    Refused,
    /// Something never came that stands before the event of this index in one of them.
    Hole(usize, Hole),
    /// The partition of one of them is another projector's by now.
    Lost,
}

/// Whether a batch fills a hole, and how it deals with rows that the database refuses.
#[derive(Clone, Copy, Default)]
pub(super) struct How<'a> {
    pub(super) fills: Option<&'a Hole>,
    /// Looks for the events at fault, in savepoints.
    pub(super) careful: bool,
}

/// Applies `batches`, of a partition each, to every projection of their contexts, or nothing of them.
pub(super) async fn attempt(
    projector: &Projector,
    batches: &[Batch<'_>],
    how: How<'_>,
) -> Result<Outcome, Error> {
    let mut observed = Observed::begin();
    let mut tx = projector.read.begin_with(BEGIN).await?;
    let watermarks = checkpoint::lock(&mut tx, batches.iter().map(|batch| batch.place)).await?;
    if let Some(claims) = &projector.claims
        && !claims.are_current(&mut tx, batches).await?
    {
        return Ok(Outcome::Lost);
    }
    let events = batches.iter().flat_map(|batch| batch.events);
    let mut parked = park::among(&mut tx, Slot::Live, events).await?;
    let mut parts = Vec::new();
    for projection in projector.projections.iter() {
        let version = (projection.name.to_owned(), projection.version);
        let Some(watermarks) = watermarks.get(&version) else {
            continue;
        };
        let (mut all, mut new) = (0, Vec::new());
        for batch in batches {
            let Some(watermark) = watermarks.get(batch.place) else {
                continue;
            };
            all += batch.events.len();
            match new_events(watermark, *batch)? {
                Ok(events) => new.extend(events),
                Err((index, hole)) => return Ok(Outcome::Hole(index, hole)),
            }
        }
        let parked = parked.remove(&version).unwrap_or_default();
        parts.push((projection, all, new, parked));
    }
    // Of all tables at once, before any row is loaded.
    let locks = parts.iter().flat_map(|(projection, _, new, _)| {
        projection.row_locks(new.iter().map(|delivered| &delivered.event))
    });
    row_locks::take(&mut tx, locks.collect()).await?;
    let mut counted = Counted::default();
    let mut moved = Vec::new();
    for (projection, all, new, parked) in parts {
        let applied = apply(&mut tx, (projection, Slot::Live), &new, parked, how.careful).await;
        let applied = applied.map_err(|source| Error::Apply {
            projection: projection.name,
            source,
        });
        let Some(written) = applied? else {
            return Ok(Outcome::Refused);
        };
        observed.applied(projection, new.iter().copied(), written.changed);
        counted.add(projection.name, (all, new.len(), written.parked));
        moved.push(*projection);
    }
    checkpoint::advance(&mut tx, batches, &moved).await?;
    if let (Some(hole), [batch]) = (how.fills, batches) {
        holes::note(&mut tx, batch.place, hole, counted.most()).await?;
    }
    checkpoint::tell(&mut tx).await?;
    tx.commit().await?;
    counted.tell(batches);
    observed.committed(batches.iter().map(|batch| batch.events.len()).sum());
    Ok(Outcome::Done)
}

/// What came of events that were applied to a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    /// How many rows changed.
    changed: usize,
    /// How many events are parked.
    parked: usize,
}

/// Applies events that are `new` to one table of a projection, and parks what fails. Gives none when
/// the database refuses a row, and nobody looked for it, carefully.
pub(crate) async fn apply(
    tx: &mut PgConnection,
    (projection, slot): (&Registered, Slot),
    new: &[&Delivered],
    parked: HashSet<Uuid>,
    careful: bool,
) -> Result<Option<Written>, ApplyError> {
    let mut sorted = Sorted::of(projection, new, parked);
    let relation = projection.relation(slot);
    let changed = match write(tx, (projection, &relation), &mut sorted, careful).await {
        Ok(changed) => changed,
        Err(error) if !careful && error.is_of_an_event() => return Ok(None),
        Err(error) => return Err(error),
    };
    let parking = sorted.parking();
    if !parking.is_empty() {
        park::insert(tx, projection, slot, &parking).await?;
    }
    let parked = parking.len();
    Ok(Some(Written { changed, parked }))
}

/// Applies what is `sorted` so to the table `relation`, given with its schema, and notes there what
/// fails; gives how many rows changed.
pub(crate) async fn write(
    tx: &mut PgConnection,
    (projection, relation): (&Registered, &str),
    sorted: &mut Sorted<'_>,
    careful: bool,
) -> Result<usize, ApplyError> {
    if sorted.applied.is_empty() {
        return Ok(0);
    }
    let events = &sorted.applied;
    let applied = match careful {
        true => projection.apply(tx, relation, events).await?,
        false => projection.apply_at_once(tx, relation, events).await?,
    };
    sorted.failed(&applied.failed);
    Ok(applied.changed)
}

/// The events of `batch` that a projection has not seen; or the first hole among them, with the
/// index of the event behind it.
pub(super) fn new_events<'b>(
    watermark: &Watermark,
    batch: Batch<'b>,
) -> Result<Result<Vec<&'b Delivered>, (usize, Hole)>, Error> {
    let mut seen = watermark.position;
    let mut new = Vec::with_capacity(batch.events.len());
    for (index, delivered) in batch.events.iter().enumerate() {
        if delivered.epoch != watermark.epoch {
            let context = batch.place.context.clone();
            let partition = batch.place.partition;
            return Err(Error::OtherLog { context, partition });
        }
        let position = delivered.event.position;
        if position <= seen {
            continue;
        }
        if let Some(message) = delivered.message
            && message.previous > seen
        {
            let hole = Hole {
                after: seen,
                up_to: message.previous,
                why: format!("the message at {position} follows one that never came"),
            };
            return Ok(Err((index, hole)));
        }
        seen = position;
        new.push(delivered);
    }
    Ok(Ok(new))
}

/// What batches were, once they are committed, by projection: how many events were of its context,
/// were new to it, and are parked.
#[derive(Default)]
pub(super) struct Counted(Vec<(&'static str, usize, usize, usize)>);

impl Counted {
    pub(super) fn add(
        &mut self,
        projection: &'static str,
        (all, new, parked): (usize, usize, usize),
    ) {
        self.0.push((projection, all, new, parked));
    }

    /// How many events were new to some projection: they are the last ones of the batch.
    fn most(&self) -> usize {
        let new = self.0.iter().map(|(_, _, new, _)| *new);
        new.max().unwrap_or(0)
    }

    pub(super) fn tell(&self, batches: &[Batch<'_>]) {
        for (projection, all, new, parked) in &self.0 {
            let counter =
                metrics::counter!("comptoir_projector_events_total", "projection" => *projection);
            counter.increment(*new as u64);
            let counter = metrics::counter!("comptoir_projector_parked_events_total", "projection" => *projection);
            counter.increment(*parked as u64);
            metrics::counter!("comptoir_projector_duplicates_total").increment((all - new) as u64);
        }
        for batch in batches {
            let Some(last) = batch.events.last() else {
                continue;
            };
            let labels = [
                ("context", batch.place.context.clone()),
                ("partition", batch.place.partition.to_string()),
            ];
            metrics::gauge!("comptoir_projector_position", &labels).set(last.event.position as f64);
        }
    }
}
