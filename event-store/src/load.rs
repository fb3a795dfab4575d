//! Loading the state of a stream: from the cache, and then what was written since.

use chrono::{DateTime, Utc};
use domain::streams::{AnyState, FoldError, Loaded, StreamId, StreamKind};
use moka::sync::Cache;
use sqlx::Row;

use crate::append::Mark;
use crate::log::Log;
use crate::partition::context_of;

/// The most streams whose states are kept.
const MOST_CACHED: u64 = 10_000;

/// States of streams as they were last loaded. The tail of a stream is read at every load, so a
/// state that another process has moved on is brought up to date and never trusted alone.
#[derive(Clone, Debug)]
pub(crate) struct States(Cache<StreamId, Cached>);

#[derive(Clone, Debug)]
struct Cached {
    version: u64,
    last: Option<(Mark, DateTime<Utc>)>,
    state: AnyState,
}

/// Why a stream can't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The database is away or refuses.
    #[error("the log's database: {0}")]
    Database(#[from] sqlx::Error),
    /// A stored event can't be read.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The stream has a hole, which an append can't make.
    #[error("event {sequence} of the stream {stream:?} is missing")]
    Hole {
        /// The stream.
        stream: StreamId,
        /// The event that should be there.
        sequence: u64,
    },
}

impl States {
    pub(crate) fn new() -> Self {
        Self(Cache::new(MOST_CACHED))
    }
}

impl Log {
    /// The state of `stream`, with where it stands in the log if it has any event.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn load(
        &self,
        stream: StreamId,
        kind: StreamKind,
    ) -> Result<(Loaded, Option<Mark>), LoadError> {
        let mut cached = self.states.0.get(&stream).unwrap_or_else(|| Cached {
            version: 0,
            last: None,
            state: (kind.empty)(),
        });
        let rows = sqlx::query(
            "SELECT sequence, payload::text AS payload, position, partition, occurred_at \
             FROM events WHERE aggregate_id = $1 AND aggregate_type = $2 AND sequence > $3 \
             ORDER BY sequence",
        )
        .bind(stream.id)
        .bind(stream.aggregate_type)
        .bind(cached.version.cast_signed())
        .fetch_all(&self.pool)
        .await?;
        if let Some(last) = rows.last() {
            let mut payloads = Vec::with_capacity(rows.len());
            for row in &rows {
                cached.version += 1;
                if row.try_get::<i64, _>("sequence")?.unsigned_abs() != cached.version {
                    let sequence = cached.version;
                    return Err(LoadError::Hole { stream, sequence });
                }
                payloads.push(row.try_get::<&str, _>("payload")?);
            }
            cached.state = (kind.fold)(&cached.state, &payloads)?;
            let mark = Mark {
                context: context_of(stream.aggregate_type).to_owned(),
                partition: last.try_get("partition")?,
                position: last.try_get("position")?,
            };
            cached.last = Some((mark, last.try_get("occurred_at")?));
            self.states.0.insert(stream, cached.clone());
        }
        let loaded = Loaded {
            version: cached.version,
            last_occurred_at: cached.last.as_ref().map(|(_, time)| *time),
            state: cached.state,
        };
        Ok((loaded, cached.last.map(|(mark, _)| mark)))
    }
}
