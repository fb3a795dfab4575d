//! The log as it is at one moment, read stream by stream by several readers at once.

use sqlx::{Connection as _, Executor, PgConnection, PgPool};
use uuid::Uuid;

use crate::read::{Error, Page};
use crate::recorded::{COLUMNS, Position};
use crate::wire::{Connection, Flight, Target, Value};

/// How readers' sessions are set. Every range is read through the index of streams.
const SETTINGS: &[(&str, &str)] = &[
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_sort", "off"),
    ("jit", "off"),
];
/// The most bytes of a page, unless it is of one event.
const PAGE: usize = 256 * 1024;
/// The names of a reader's statements.
const BEGIN: &str = "begin";
const ADOPT: &str = "adopt";
const READ: &str = "read";

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

/// One of the readers of a [`FrozenLog`], with a connection of its own. It belongs to the runtime
/// on which it is first asked.
pub struct StreamReader {
    target: Target,
    snapshot: String,
    up_to: Position,
    connection: Option<Connection>,
}

impl FrozenLog {
    /// The log behind `pool` as it is now.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn take(pool: &PgPool) -> Result<Self, sqlx::Error> {
        Self::take_up_to(pool, Position::MAX).await
    }

    /// The same, up to a position: what comes after it is not in it either.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub async fn take_up_to(pool: &PgPool, up_to: Position) -> Result<Self, sqlx::Error> {
        let mut holder = PgConnection::connect_with(&pool.connect_options()).await?;
        holder
            .execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let snapshot = sqlx::query_scalar("SELECT pg_export_snapshot()")
            .fetch_one(&mut holder)
            .await?;
        let sql = "SELECT epoch, last.position, event_id \
             FROM head CROSS JOIN LATERAL (SELECT LEAST(head.position, $1)) AS last (position) \
                 LEFT JOIN events ON events.position = last.position";
        let query = sqlx::query_as(sql).bind(up_to);
        let (epoch, head, last_event) = query.fetch_one(&mut holder).await?;
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

    /// One more reader of the database of `pool`, which is that of this log. It connects when it is
    /// first asked, which is while this log is held.
    pub fn reader(&self, pool: &PgPool) -> StreamReader {
        StreamReader {
            target: Target::of(&pool.connect_options(), SETTINGS),
            snapshot: self.snapshot.clone(),
            up_to: self.head,
            connection: None,
        }
    }
}

impl StreamReader {
    /// Asks for the events of the streams of `aggregate_type` in `range`: stream after stream, each
    /// in its order. What was asked for before was read to its end, or is behind it.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn ask(&mut self, aggregate_type: &str, range: StreamRange) -> Result<(), Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let connection = self.connection.insert(connection);
        let mut flight = Flight::new();
        let values = [
            Value::Uuid(range.from),
            Value::Uuid(range.to),
            Value::Text(aggregate_type),
        ];
        flight
            .execute(READ, &values)
            .map_err(crate::wire::Error::from)?;
        Ok(connection.send(flight).await?)
    }

    /// The next events of the first range that was asked for; none when it has ended.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn next(&mut self) -> Result<Option<Page>, Error> {
        let Some(connection) = &mut self.connection else {
            return Ok(None);
        };
        let rows = connection.receive_rows(PAGE).await?;
        rows.map(Page::as_they_are).transpose()
    }

    async fn connect(&self) -> Result<Connection, Error> {
        let adopt = format!("SET TRANSACTION SNAPSHOT '{}'", self.snapshot);
        let read = format!(
            "SELECT {COLUMNS} FROM events \
             WHERE aggregate_id >= $1::uuid AND aggregate_id <= $2::uuid \
                 AND aggregate_type = $3::text AND position <= {} \
             ORDER BY aggregate_id, sequence",
            self.up_to
        );
        let statements = [
            (BEGIN, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"),
            (ADOPT, &*adopt),
            (READ, &*read),
        ];
        let mut connection = Connection::open(&self.target, &statements).await?;
        for statement in [BEGIN, ADOPT] {
            let mut flight = Flight::new();
            flight
                .execute(statement, &[])
                .map_err(crate::wire::Error::from)?;
            connection.round_trip(flight).await?;
        }
        Ok(connection)
    }
}
