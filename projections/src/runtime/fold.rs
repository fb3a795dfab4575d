//! The fold of events into rows: pure, and the same for live tables, for a rebuild and for a fresh
//! reckoning.
//!
//! An event counts whole or not at all, also one that fails after it changed one of its rows. What
//! fails ends its stream here: the stream's later events are not folded, those of others are.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use event_store::{DecodeError, Happened, RecordedEvent};
use uuid::Uuid;

use super::projection::Projection;

/// Why an event can't be folded.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// A stored event can't be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The projection panicked over it.
    #[error("the projection panicked: {0}")]
    Panicked(String),
}

/// The first event of a stream that can't be folded.
#[derive(Debug)]
pub(crate) struct Unfoldable {
    /// Its place among the events that were given.
    pub(crate) index: usize,
    /// Why.
    pub(crate) error: FoldError,
}

/// The rows of `P` by key; none is a row that is not there (any more).
pub(crate) type Rows<P> = BTreeMap<<P as Projection>::Key, Option<<P as Projection>::Row>>;

/// Events of `P`, read, and the keys of the rows that they touch.
pub(crate) struct Steps<'a, P: Projection> {
    steps: Vec<Step<'a, P>>,
    /// By stream.
    failed: BTreeMap<Uuid, Unfoldable>,
}

/// One recorded event. An old one may stand for several events or none; they count in one step.
struct Step<'a, P: Projection> {
    index: usize,
    stream: Uuid,
    /// It is the first of its stream.
    begins: bool,
    parts: Vec<Part<'a, P>>,
}

type Part<'a, P> = (
    Happened<'a, <P as Projection>::Of>,
    Vec<<P as Projection>::Key>,
);

/// What a fold gives.
pub(crate) struct Folded<P: Projection> {
    /// The rows that were touched, as they are now.
    pub(crate) rows: Rows<P>,
    /// The first event of each stream that failed, by stream.
    pub(crate) failed: BTreeMap<Uuid, Unfoldable>,
}

impl<'a, P: Projection> Steps<'a, P> {
    /// Reads `events`, oldest first in each stream.
    pub(crate) fn of(events: &[&'a RecordedEvent]) -> Self {
        let (mut steps, mut failed) = (Vec::with_capacity(events.len()), BTreeMap::new());
        for (index, recorded) in events.iter().enumerate() {
            let stream = recorded.aggregate_id;
            if failed.contains_key(&stream) {
                continue;
            }
            match parts::<P>(recorded) {
                Ok(parts) => steps.push(Step {
                    index,
                    stream,
                    begins: recorded.sequence == 1,
                    parts,
                }),
                Err(error) => {
                    failed.insert(stream, Unfoldable { index, error });
                }
            }
        }
        Self { steps, failed }
    }

    /// The keys of the rows to fold into that may be there: a row belongs to one stream, so one
    /// whose stream begins here is not.
    pub(crate) fn older_keys(&self) -> BTreeSet<&P::Key> {
        let begun = self.steps.iter().filter(|step| step.begins);
        let begun: HashSet<Uuid> = begun.map(|step| step.stream).collect();
        let older = self.steps.iter();
        let older = older.filter(|step| !begun.contains(&step.stream));
        let parts = older.flat_map(|step| &step.parts);
        parts.flat_map(|(_, keys)| keys).collect()
    }

    /// The keys of the rows to fold into.
    pub(crate) fn keys(&self) -> BTreeSet<&P::Key> {
        let parts = self.steps.iter().flat_map(|step| &step.parts);
        parts.flat_map(|(_, keys)| keys).collect()
    }

    /// Folds them over the rows that are there already.
    pub(crate) fn fold(self, loaded: &Rows<P>) -> Folded<P> {
        let mut failed = self.failed;
        let mut rows = Rows::<P>::new();
        for step in &self.steps {
            // What could not be read comes later in its stream than any step.
            let ended = failed.get(&step.stream);
            if ended.is_some_and(|ended| ended.index < step.index) {
                continue;
            }
            match guarded(|| touched::<P>(&step.parts, &rows, loaded)) {
                Ok(touched) => rows.extend(touched),
                Err(error) => {
                    let index = step.index;
                    failed.insert(step.stream, Unfoldable { index, error });
                }
            }
        }
        Folded { rows, failed }
    }
}

fn parts<'a, P: Projection>(recorded: &'a RecordedEvent) -> Result<Vec<Part<'a, P>>, FoldError> {
    let events = guarded(|| recorded.decode::<P::Of>())??;
    guarded(|| {
        let happened = events.into_iter().map(|event| Happened { event, recorded });
        let with_keys = |one| {
            let keys = P::keys(&one);
            (one, keys)
        };
        happened.map(with_keys).collect()
    })
}

/// The rows that `event` touches, or only those of them with these keys, after it.
pub(crate) fn fold_one<P: Projection>(
    event: &RecordedEvent,
    rows: &Rows<P>,
    only: Option<&BTreeSet<P::Key>>,
) -> Result<Rows<P>, FoldError> {
    let mut parts = parts::<P>(event)?;
    if let Some(only) = only {
        let keys = parts.iter_mut().map(|(_, keys)| keys);
        keys.for_each(|keys| keys.retain(|key| only.contains(key)));
    }
    guarded(|| touched::<P>(&parts, rows, rows))
}

/// The keys of the rows that `event` touches.
pub(crate) fn keys_of<P: Projection>(event: &RecordedEvent) -> Result<Vec<P::Key>, FoldError> {
    let parts = parts::<P>(event)?.into_iter();
    Ok(parts.flat_map(|(_, keys)| keys).collect())
}

/// The rows that one event touches, after it.
fn touched<P: Projection>(parts: &[Part<'_, P>], rows: &Rows<P>, loaded: &Rows<P>) -> Rows<P> {
    let mut touched = Rows::<P>::new();
    for (happened, keys) in parts {
        for key in keys {
            let row = match touched.remove(key) {
                Some(row) => row,
                None => rows.get(key).or_else(|| loaded.get(key)).cloned().flatten(),
            };
            touched.insert(key.clone(), P::apply(row, key, happened));
        }
    }
    touched
}

fn guarded<T>(step: impl FnOnce() -> T) -> Result<T, FoldError> {
    // What a panic leaves half done is thrown away with it.
    catch_unwind(AssertUnwindSafe(step)).map_err(|panic| FoldError::Panicked(said(&*panic)))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "without a word".to_owned())
}

/// The rows of `P` that `events` alone give, in the order of their keys.
///
/// # Errors
/// When an event can't be folded.
pub fn fold_events<P: Projection>(events: &[RecordedEvent]) -> Result<Vec<P::Row>, FoldError> {
    let events: Vec<&RecordedEvent> = events.iter().collect();
    let folded = Steps::<P>::of(&events).fold(&Rows::<P>::new());
    match folded.failed.into_values().min_by_key(|one| one.index) {
        Some(failed) => Err(failed.error),
        None => Ok(folded.rows.into_values().flatten().collect()),
    }
}
