//! The log as it is at one moment, read stream by stream by several readers at once.

use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use sqlx::{Connection, Executor, PgConnection, PgPool};
use uuid::Uuid;

use crate::recorded::{COLUMNS, Position, RecordedEvent};

/// The log at one moment: what is appended later is not in it. Held by a connection of its own,
/// which keeps the database from vacuuming what was deleted since (the log deletes nothing).
pub struct FrozenLog {
    holder: PgConnection,
    snapshot: String,
    epoch: Uuid,
    head: Position,
    last_event: Option<Uuid>,
}

/// Streams whose ids lie between two ids, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamRange {
    from: Uuid,
    to: Uuid,
}

/// One of the readers of a [`FrozenLog`].
pub struct StreamReader(PgConnection);

impl FrozenLog {
    /// The log behind `pool` as it is now.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn take(pool: &PgPool) -> Result<Self, sqlx::Error> {
        let mut holder = PgConnection::connect_with(&pool.connect_options()).await?;
        holder
            .execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let snapshot = sqlx::query_scalar("SELECT pg_export_snapshot()")
            .fetch_one(&mut holder)
            .await?;
        let sql = "SELECT epoch, head.position, event_id \
             FROM head LEFT JOIN events ON events.position = head.position";
        let (epoch, head, last_event) = sqlx::query_as(sql).fetch_one(&mut holder).await?;
        Ok(Self {
            holder,
            snapshot,
            epoch,
            head,
            last_event,
        })
    }

    /// Which log it is.
    pub fn epoch(&self) -> Uuid {
        self.epoch
    }

    /// The position of its last event.
    pub fn head(&self) -> Position {
        self.head
    }

    /// The id of its last event; none of an empty log.
    pub fn last_event(&self) -> Option<Uuid> {
        self.last_event
    }

    /// Ranges that together hold every stream, each with about so many events, of all types.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn ranges(&mut self, events: i64) -> Result<Vec<StreamRange>, sqlx::Error> {
        let mut bounds: Vec<Uuid> = sqlx::query_scalar(
            "SELECT DISTINCT aggregate_id FROM events \
             WHERE position = ANY(ARRAY(SELECT generate_series($1, $2, $1))) ORDER BY 1",
        )
        .bind(events.max(1))
        .bind(self.head)
        .fetch_all(&mut self.holder)
        .await?;
        bounds.retain(|bound| !bound.is_nil());
        let mut ranges = Vec::with_capacity(bounds.len() + 1);
        let mut from = Uuid::nil();
        for bound in bounds {
            let to = Uuid::from_u128(bound.as_u128() - 1);
            ranges.push(StreamRange { from, to });
            from = bound;
        }
        ranges.push(StreamRange {
            from,
            to: Uuid::max(),
        });
        Ok(ranges)
    }

    /// One more reader, with a connection of its own to the database of `pool`, which is that of
    /// this log.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn reader(&self, pool: &PgPool) -> Result<StreamReader, sqlx::Error> {
        let mut reader = PgConnection::connect_with(&pool.connect_options()).await?;
        let adopt = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
             SET TRANSACTION SNAPSHOT '{}'; SET enable_seqscan = off; SET enable_sort = off",
            self.snapshot
        );
        reader.execute(adopt.as_str()).await?;
        Ok(StreamReader(reader))
    }
}

impl StreamReader {
    /// The events of the streams of `aggregate_type` in `range`: stream after stream, each in its
    /// order.
    pub fn read<'a>(
        &'a mut self,
        aggregate_type: &'a str,
        range: StreamRange,
    ) -> BoxStream<'a, Result<RecordedEvent, sqlx::Error>> {
        static SQL: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
            format!(
                "SELECT {COLUMNS} FROM events \
                 WHERE aggregate_id >= $1 AND aggregate_id <= $2 AND aggregate_type = $3 \
                 ORDER BY aggregate_id, sequence"
            )
        });
        sqlx::query(&SQL)
            .bind(range.from)
            .bind(range.to)
            .bind(aggregate_type)
            .fetch(&mut self.0)
            .and_then(|row| async move { RecordedEvent::from_row(&row) })
            .boxed()
    }
}
