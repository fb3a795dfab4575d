//! The fold of events into rows: pure, and the same for live tables and for a fresh reckoning.

use std::collections::BTreeMap;

use event_store::{DecodeError, RecordedEvent};

use super::projection::{Happened, Projection};

/// Why events can't be folded.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// A stored event can't be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The projection panics; the panic itself is in the service's log.
    #[error("the projection panics at it")]
    Panicked,
}

/// The rows of `P` by key; none is a row that is not there (any more).
pub(super) type Rows<P> = BTreeMap<<P as Projection>::Key, Option<<P as Projection>::Row>>;

/// The events of `P` that `events` stand for. An old one may stand for several or none; all of
/// them are of the one recorded event, so they count in one step.
pub(super) fn happened<P: Projection>(
    events: &[RecordedEvent],
) -> Result<Vec<Happened<'_, P::Of>>, FoldError> {
    let mut happened = Vec::new();
    for recorded in events {
        let events = recorded.decode::<P::Of>()?;
        happened.extend(events.into_iter().map(|event| Happened { event, recorded }));
    }
    Ok(happened)
}

/// Folds `happened`, oldest first, into `rows`.
pub(super) fn fold<P: Projection>(rows: &mut Rows<P>, happened: &[Happened<'_, P::Of>]) {
    for one in happened {
        for key in P::keys(one) {
            let row = rows.remove(&key).flatten();
            let next = P::apply(row, &key, one);
            rows.insert(key, next);
        }
    }
}

/// The rows of `P` that `events` alone give, in the order of their keys.
///
/// # Errors
/// When an event can't be read.
pub fn fold_events<P: Projection>(events: &[RecordedEvent]) -> Result<Vec<P::Row>, FoldError> {
    let mut rows = Rows::<P>::new();
    fold::<P>(&mut rows, &happened::<P>(events)?);
    Ok(rows.into_values().flatten().collect())
}
