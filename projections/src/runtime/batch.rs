//! A batch of one topic partition: one transaction for its rows, what it parks and its watermarks.

use std::collections::HashSet;

use event_store::Position;
use sqlx::PgConnection;
use uuid::Uuid;

use super::apply::ApplyError;
use super::checkpoint;
use super::checkpoint::Watermark;
use super::delivered::{Batch, Delivered};
use super::holes::{self, Hole};
use super::measure::Observed;
use super::park::{self, Sorted};
use super::projection::Registered;
use super::run::{Error, Projector};
use super::slot::Slot;

/// A projector that is frozen in the middle of a batch must not keep the partition's rows locked: the
/// server ends its session.
const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// What became of a batch.
pub(super) enum Outcome {
    /// It is committed.
    Done,
    /// The database refuses a row of it.
    Refused,
    /// Something never came that stands before its event of this index.
    Hole(usize, Hole),
    /// Its partition is another projector's by now.
    Lost,
}

/// Whether a batch fills a hole, and how it deals with rows that the database refuses.
#[derive(Clone, Copy, Default)]
pub(super) struct How<'a> {
    pub(super) fills: Option<&'a Hole>,
    /// Looks for the events at fault, in savepoints.
    pub(super) careful: bool,
}

/// Applies `batch` to every projection of its context, or nothing of it.
pub(super) async fn attempt(
    projector: &Projector,
    batch: Batch<'_>,
    how: How<'_>,
) -> Result<Outcome, Error> {
    let (place, mut observed) = (batch.place, Observed::begin());
    let mut tx = projector.read.begin_with(BEGIN).await?;
    let watermarks = checkpoint::lock(&mut tx, place).await?;
    if let (Some(claims), Some(claim)) = (&projector.claims, batch.claim)
        && !claims.are_current(&mut tx, place, claim).await?
    {
        return Ok(Outcome::Lost);
    }
    let projections = projector
        .projections
        .iter()
        .filter(|one| one.context == place.context);
    let mut parked = park::among(&mut tx, Slot::Live, batch.events).await?;
    let mut counted = Counted::default();
    let mut moved = Vec::new();
    for projection in projections {
        let version = (projection.name.to_owned(), projection.version);
        let Some(watermark) = watermarks.get(&version) else {
            continue;
        };
        let new = match new_events(watermark, batch)? {
            Ok(new) => new,
            Err((index, hole)) => return Ok(Outcome::Hole(index, hole)),
        };
        let parked = parked.remove(&version).unwrap_or_default();
        let applied = apply(&mut tx, (projection, Slot::Live), &new, parked, how.careful).await;
        let applied = applied.map_err(|source| Error::Apply {
            projection: projection.name,
            source,
        });
        let Some(written) = applied? else {
            return Ok(Outcome::Refused);
        };
        observed.applied(projection, &new, written.changed);
        counted
            .new
            .push((projection.name, new.len(), written.parked));
        counted.all = batch.events.len();
        moved.push(*projection);
    }
    let Some(last) = batch.events.last() else {
        return Ok(Outcome::Done);
    };
    checkpoint::advance(&mut tx, place, &moved, last).await?;
    if let Some(hole) = how.fills {
        holes::note(&mut tx, place, hole, counted.most()).await?;
    }
    tx.commit().await?;
    counted.tell(batch, last.event.position);
    observed.committed(batch.events.len());
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
    let mut changed = 0;
    if !sorted.applied.is_empty() {
        let relation = projection.relation(slot);
        let applied = match careful {
            true => projection.apply(tx, &relation, &sorted.applied).await,
            false => (projection.apply)(tx, &relation, &sorted.applied).await,
        };
        match applied {
            Ok(applied) => {
                changed = applied.changed;
                sorted.failed(&applied.failed);
            }
            Err(error) if !careful && error.is_of_an_event() => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let parking = sorted.parking();
    if !parking.is_empty() {
        park::insert(tx, projection, slot, &parking).await?;
    }
    let parked = parking.len();
    Ok(Some(Written { changed, parked }))
}

/// The events of `batch` that a projection has not seen; or the first hole among them, with the
/// index of the event behind it.
fn new_events<'b>(
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

/// What a batch was, once it is committed.
#[derive(Default)]
struct Counted {
    all: usize,
    /// By projection: how many events were new, and how many are parked.
    new: Vec<(&'static str, usize, usize)>,
}

impl Counted {
    /// How many events were new to some projection: they are the last ones of the batch.
    fn most(&self) -> usize {
        let new = self.new.iter().map(|(_, new, _)| *new);
        new.max().unwrap_or(0)
    }

    fn tell(&self, batch: Batch<'_>, last: Position) {
        for (projection, new, parked) in &self.new {
            let counter =
                metrics::counter!("comptoir_projector_events_total", "projection" => *projection);
            counter.increment(*new as u64);
            let counter = metrics::counter!("comptoir_projector_parked_events_total", "projection" => *projection);
            counter.increment(*parked as u64);
        }
        let duplicates = self.new.iter().map(|(_, new, _)| self.all - new);
        metrics::counter!("comptoir_projector_duplicates_total")
            .increment(duplicates.sum::<usize>() as u64);
        let labels = [
            ("context", batch.place.context.clone()),
            ("partition", batch.place.partition.to_string()),
        ];
        metrics::gauge!("comptoir_projector_position", &labels).set(last as f64);
    }
}
