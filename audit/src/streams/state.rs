//! An aggregate as it stood at a version or a time, folded anew from its events.

use chrono::{DateTime, Utc};
use domain::streams::{AnyState, StreamKind};
use domain::upcast::StoredEvent;
use event_store::personal::{Keyring, Missing, closed, told};
use event_store::{Position, RecordedEvent};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgPool;

use super::pages::Pages;
use super::{Error, Stream};

/// Which moment of a stream is meant. Both times of its events never decrease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// As it is.
    Now,
    /// After so many events.
    Version(i64),
    /// With everything that was recorded by then.
    Recorded(DateTime<Utc>),
    /// With everything that had happened by then.
    Occurred(DateTime<Utc>),
}

impl At {
    fn has(self, event: &RecordedEvent) -> bool {
        match self {
            Self::Now => true,
            Self::Version(version) => event.sequence <= version,
            Self::Recorded(time) => event.recorded_at <= time,
            Self::Occurred(time) => event.occurred_at <= time,
        }
    }
}

/// An aggregate as it stood.
#[derive(Debug, Serialize)]
pub struct Standing {
    /// Whose state.
    pub stream: Stream,
    /// How many events are in it.
    pub version: i64,
    /// Where the last one is.
    pub position: Position,
    /// When it was stored.
    pub recorded_at: DateTime<Utc>,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// What they add up to. A personal value that is not shown says why: `"sealed": true`, or
    /// `"erased": true`.
    pub state: Box<RawValue>,
}

/// `stream` as it stood at `at`, by the one of `kinds` that has its type; none when it had no event
/// by then, or has fewer than the version that is asked for. Without a `keyring` nothing personal
/// is in it.
///
/// # Errors
/// See [`Error`].
pub async fn at(
    pool: &PgPool,
    kinds: &[StreamKind],
    stream: Stream,
    at: At,
    keyring: Option<&Keyring>,
) -> Result<Option<Standing>, Error> {
    let kind = kinds
        .iter()
        .find(|kind| kind.aggregate_type == stream.aggregate_type);
    let kind = kind.ok_or_else(|| Error::NoAggregate(stream.aggregate_type.clone()))?;
    let mut pages = Pages::new(pool, stream, 0);
    let (mut state, mut last) = ((kind.empty)(), None::<RecordedEvent>);
    loop {
        let mut page = pages.next(i64::MAX).await?;
        let read = page.len();
        page.retain(|event| at.has(event));
        unbroken(last.as_ref(), &page)?;
        open(&mut page, keyring).await?;
        state = fold(kind, &state, &page)?;
        let whole = page.len() == read && read > 0;
        last = page.pop().or(last);
        if !whole {
            break;
        }
    }
    let Some(last) = last else { return Ok(None) };
    if matches!(at, At::Version(version) if version != last.sequence) {
        return Ok(None);
    }
    Ok(Some(standing(kind, &state, last, keyring.is_some())?))
}

/// Makes sure that every version up to the last one is there.
fn unbroken(last: Option<&RecordedEvent>, page: &[RecordedEvent]) -> Result<(), Error> {
    let after = last.map_or(0, |last| last.sequence);
    for (version, event) in (after + 1..).zip(page) {
        if event.sequence != version {
            let id = event.aggregate_id;
            return Err(Error::Hole { id, version });
        }
    }
    Ok(())
}

async fn open(page: &mut [RecordedEvent], keyring: Option<&Keyring>) -> Result<(), Error> {
    match keyring {
        Some(keyring) => keyring.open_events(page).await?,
        None => {
            for event in page {
                event.payload = closed(&event.payload)?.into_owned();
            }
        }
    }
    Ok(())
}

fn fold(kind: &StreamKind, state: &AnyState, page: &[RecordedEvent]) -> Result<AnyState, Error> {
    let stored: Vec<StoredEvent<'_>> = page
        .iter()
        .map(|event| StoredEvent {
            event_type: &event.event_type,
            event_version: &event.event_version,
            payload: &event.payload,
        })
        .collect();
    let after = page.first().map_or(0, |event| event.sequence - 1);
    (kind.fold)(state, &stored).map_err(|source| Error::Unreadable {
        id: page
            .first()
            .map(|event| event.aggregate_id)
            .unwrap_or_default(),
        after,
        source,
    })
}

fn standing(
    kind: &StreamKind,
    state: &AnyState,
    last: RecordedEvent,
    opened: bool,
) -> Result<Standing, Error> {
    let unreadable = |source| Error::Unreadable {
        id: last.aggregate_id,
        after: last.sequence,
        source,
    };
    let json = (kind.save)(state).map_err(unreadable)?;
    let missing = match opened {
        true => Missing::Erased,
        false => Missing::Sealed,
    };
    let json = told(json.as_deref().unwrap_or("null"), missing)?.into_owned();
    let position = last.position;
    let malformed = |source| Error::Malformed { position, source };
    Ok(Standing {
        version: last.sequence,
        position,
        recorded_at: last.recorded_at,
        occurred_at: last.occurred_at,
        state: RawValue::from_string(json).map_err(malformed)?,
        stream: Stream {
            aggregate_type: last.aggregate_type,
            id: last.aggregate_id,
        },
    })
}
