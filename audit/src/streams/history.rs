//! The history of a stream: every event, who asked for it, and what led to it.

use chrono::{DateTime, Utc};
use event_store::personal::{Keyring, Missing, told};
use event_store::{Position, RecordedEvent};
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgPool;
use uuid::Uuid;

use super::metadata::Metadata;
use super::pages::Pages;
use super::{Error, Stream};

/// Something that happened, as it is stored.
#[derive(Debug, Serialize)]
pub struct Entry {
    /// Its place in the log.
    pub position: Position,
    /// Its place in its stream, from 1.
    pub version: i64,
    /// Its own id.
    pub id: Uuid,
    /// Whose event.
    pub stream: Stream,
    /// The name of the event.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The schema version of its data.
    pub schema_version: String,
    /// When it was stored.
    pub recorded_at: DateTime<Utc>,
    /// When it happened; earlier for an import.
    pub occurred_at: DateTime<Utc>,
    /// Where it comes from.
    #[serde(flatten)]
    pub metadata: Metadata,
    /// What happened. Personal data is sealed, in clear, or `"erased": true`.
    pub data: Box<RawValue>,
}

/// Reads a history, oldest event first. It holds a page in memory, and no connection between pages.
pub struct History {
    pages: Pages,
    left: i64,
    keyring: Option<Keyring>,
}

impl History {
    /// Of `stream`, after version `after` (0: all of it), `limit` events at most. Personal data
    /// stays sealed unless there is a `keyring`.
    pub fn new(
        pool: &PgPool,
        stream: Stream,
        after: i64,
        limit: Option<u64>,
        keyring: Option<Keyring>,
    ) -> Self {
        let left = limit.map_or(i64::MAX, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        Self {
            pages: Pages::new(pool, stream, after),
            left,
            keyring,
        }
    }

    /// The next events; none at the end.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn next(&mut self) -> Result<Vec<Entry>, Error> {
        if self.left == 0 {
            return Ok(Vec::new());
        }
        let mut events = self.pages.next(self.left).await?;
        self.left -= events.len() as i64;
        if let Some(keyring) = &self.keyring {
            keyring.open_events(&mut events).await?;
        }
        events.into_iter().map(Entry::of).collect()
    }
}

impl Entry {
    fn of(event: RecordedEvent) -> Result<Self, Error> {
        let position = event.position;
        let malformed = |source| Error::Malformed { position, source };
        // What is sealed stays as it is; what was opened and is null has no key any more.
        let data = told(&event.payload, Missing::Erased)?.into_owned();
        Ok(Self {
            position,
            version: event.sequence,
            id: event.event_id,
            stream: Stream {
                aggregate_type: event.aggregate_type,
                id: event.aggregate_id,
            },
            event_type: event.event_type,
            schema_version: event.event_version,
            recorded_at: event.recorded_at,
            occurred_at: event.occurred_at,
            metadata: serde_json::from_str(&event.metadata).map_err(malformed)?,
            data: RawValue::from_string(data).map_err(malformed)?,
        })
    }
}
