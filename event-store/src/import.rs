//! Another log's events into a log that has none, as they are: with their positions, times and
//! hashes, and its epoch. Until all are there, no service opens the log.

use bytes::{BufMut, BytesMut};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{Connection, Executor};
use uuid::Uuid;

use crate::leaf::leaf_hash;
use crate::log::Topic;
use crate::recorded::{Position, RecordedEvent};
use crate::wire::encode;

/// The advisory lock that the one import under way holds, in the log's database.
const LOCK: i64 = 4_719;
const COPY: &str = "COPY events (position, aggregate_type, aggregate_id, sequence, event_type, \
     event_version, payload, metadata, event_id, recorded_at, occurred_at, partition, leaf_hash) \
     FROM STDIN (FORMAT binary)";
const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What is imported.
#[derive(Debug, Clone)]
pub struct Imported {
    /// SHA-256 of the export's manifest.
    pub manifest: [u8; 32],
    /// The log that it comes from, which this one is to be.
    pub epoch: Uuid,
    /// The position of its last event.
    pub last: Position,
    /// Every context and its topic.
    pub topics: Vec<(String, Topic)>,
    /// What was signed of it.
    pub checkpoints: Vec<Checkpoint>,
}

/// A checkpoint that others have by now.
#[derive(Debug, Clone)]
pub struct Checkpoint {
    /// How many events it covers.
    pub size: u64,
    /// The name of the log and its epoch.
    pub origin: String,
    /// The signed note.
    pub note: String,
}

/// Why nothing is imported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away or refuses.
    #[error("the log's database: {0}")]
    Database(#[from] sqlx::Error),
    /// Something has used the log before.
    #[error(
        "the log is not empty: only one that comes fresh from `comptoir migrate`, and that no service has opened, takes an import"
    )]
    NotEmpty,
    /// The import of another export was begun.
    #[error(
        "the import of another export was begun into this log: go on with that one, or take a new database"
    )]
    Another,
    /// An import runs.
    #[error("another import into this log is under way")]
    UnderWay,
    /// Events were added that follow nothing.
    #[error("the events to be stored begin at position {begins}, and the log ends at {head}")]
    Hole {
        /// Where they begin.
        begins: Position,
        /// Where the log ends.
        head: Position,
    },
}

/// How a log stands to an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is empty.
    Empty,
    /// The export's import was begun.
    Begun,
    /// All of it is there.
    Finished,
}

/// How the log behind `pool` stands to the export with this manifest.
///
/// # Errors
/// [`Error::NotEmpty`] and [`Error::Another`] when it can't take it.
pub async fn standing(pool: &PgPool, manifest: [u8; 32]) -> Result<Standing, Error> {
    let mut connection = pool.acquire().await?;
    stands(&mut connection, manifest).await
}

/// Whether an import into the log behind `pool` was begun and is not finished.
pub(crate) async fn is_unfinished(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let sql = "SELECT EXISTS (SELECT FROM imports WHERE finished_at IS NULL)";
    sqlx::query_scalar(sql).fetch_one(pool).await
}

async fn stands(connection: &mut PgConnection, manifest: [u8; 32]) -> Result<Standing, Error> {
    let begun = "SELECT manifest = $1, finished_at IS NOT NULL FROM imports";
    let begun: Option<(bool, bool)> = sqlx::query_as(begun)
        .bind(manifest.as_slice())
        .fetch_optional(&mut *connection)
        .await?;
    match begun {
        Some((true, false)) => return Ok(Standing::Begun),
        Some((true, true)) => return Ok(Standing::Finished),
        Some((false, false)) => return Err(Error::Another),
        Some((false, true)) => return Err(Error::NotEmpty),
        None => {}
    }
    // Every service that opens a log makes its topics first.
    let used = "SELECT EXISTS (SELECT FROM events) OR EXISTS (SELECT FROM topics)";
    match sqlx::query_scalar(used).fetch_one(connection).await? {
        true => Err(Error::NotEmpty),
        false => Ok(Standing::Empty),
    }
}

/// An import that is under way: the one there is.
pub struct Import {
    connection: PgConnection,
    head: Position,
}

impl Import {
    /// Begins to import into the log behind `pool`, or goes on where it was broken off. From then on
    /// no service opens the log, and one that has it open ends.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn begin(pool: &PgPool, imported: &Imported) -> Result<Self, Error> {
        // A session of its own: the lock lives and dies with it.
        let mut connection = PgConnection::connect_with(&pool.connect_options()).await?;
        let locked = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)");
        if !locked.bind(LOCK).fetch_one(&mut connection).await? {
            return Err(Error::UnderWay);
        }
        let mut tx = connection.begin().await?;
        // As every append does, so that none comes in between.
        tx.execute("SELECT FROM epoch FOR UPDATE; LOCK TABLE topics IN EXCLUSIVE MODE")
            .await?;
        match stands(&mut tx, imported.manifest).await? {
            Standing::Empty => claim(&mut tx, imported).await?,
            Standing::Begun => {}
            Standing::Finished => return Err(Error::NotEmpty),
        }
        let head = sqlx::query_scalar("SELECT position FROM head")
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(Self { connection, head })
    }

    /// The position of the last event that is stored.
    pub fn head(&self) -> Position {
        self.head
    }

    /// Stores events that follow, all or none.
    ///
    /// # Errors
    /// [`Error::Hole`] when they don't; and when the database is away.
    pub async fn store(&mut self, rows: Rows) -> Result<(), Error> {
        let (Some(begins), head) = (rows.first, self.head) else {
            return Ok(());
        };
        if begins != head + 1 {
            return Err(Error::Hole { begins, head });
        }
        let mut tx = self.connection.begin().await?;
        let mut copy = tx.copy_in_raw(COPY).await?;
        let mut bytes = rows.bytes;
        bytes.put_i16(-1);
        copy.send(bytes.freeze()).await?;
        copy.finish().await?;
        tx.commit().await?;
        self.head = rows.last;
        Ok(())
    }

    /// Ends the import: from now on services open the log. Policies that they register begin at its
    /// end.
    ///
    /// # Errors
    /// [`Error::Hole`] when the last event is not there; and when the database is away.
    pub async fn finish(mut self) -> Result<(), Error> {
        let sql = "UPDATE imports SET finished_at = now() \
             WHERE last_position = (SELECT position FROM head)";
        let finished = sqlx::query(sql).execute(&mut self.connection).await?;
        if finished.rows_affected() == 0 {
            let (begins, head) = (self.head + 1, self.head);
            return Err(Error::Hole { begins, head });
        }
        // Fresh tables are planned for as if they were empty.
        self.connection.execute("ANALYZE events").await?;
        Ok(())
    }
}

/// Makes the log that of the export, as yet without its events.
async fn claim(connection: &mut PgConnection, imported: &Imported) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO imports (manifest, last_position) VALUES ($1, $2)")
        .bind(imported.manifest.as_slice())
        .bind(imported.last)
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE epoch SET id = $1, term = term + 1")
        .bind(imported.epoch)
        .execute(&mut *connection)
        .await?;
    sqlx::query("UPDATE relay SET epoch = $1, position = 0, fence = fence + 1")
        .bind(imported.epoch)
        .execute(&mut *connection)
        .await?;
    for (context, topic) in &imported.topics {
        sqlx::query("INSERT INTO topics (context, generation, partitions) VALUES ($1, $2, $3)")
            .bind(context)
            .bind(topic.generation)
            .bind(i32::try_from(topic.partitions).unwrap_or(i32::MAX))
            .execute(&mut *connection)
            .await?;
    }
    for Checkpoint { size, origin, note } in &imported.checkpoints {
        sqlx::query(
            "INSERT INTO checkpoints (size, origin, note, published_at) VALUES ($1, $2, $3, now()) \
             ON CONFLICT DO NOTHING",
        )
        .bind(size.cast_signed())
        .bind(origin)
        .bind(note)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Events to be stored together, in the order of their positions.
pub struct Rows {
    bytes: BytesMut,
    first: Option<Position>,
    last: Position,
}

impl Default for Rows {
    fn default() -> Self {
        Self {
            bytes: BytesMut::from(COPY_HEADER),
            first: None,
            last: 0,
        }
    }
}

impl Rows {
    /// Adds an event; its leaf hash is computed.
    pub fn push<T: AsRef<str>>(&mut self, event: &RecordedEvent<T>) {
        self.first.get_or_insert(event.position);
        self.last = event.position;
        let bytes = &mut self.bytes;
        encode::row(bytes, 13);
        encode::bigint(bytes, event.position);
        encode::raw(bytes, event.aggregate_type.as_ref().as_bytes());
        encode::uuid(bytes, event.aggregate_id);
        encode::bigint(bytes, event.sequence);
        encode::raw(bytes, event.event_type.as_ref().as_bytes());
        encode::raw(bytes, event.event_version.as_ref().as_bytes());
        encode::raw(bytes, event.payload.as_ref().as_bytes());
        encode::raw(bytes, event.metadata.as_ref().as_bytes());
        encode::uuid(bytes, event.event_id);
        encode::time(bytes, event.recorded_at);
        encode::time(bytes, event.occurred_at);
        encode::integer(bytes, event.partition);
        encode::raw(bytes, &leaf_hash(event));
    }

    /// About how many bytes they take.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }
}
