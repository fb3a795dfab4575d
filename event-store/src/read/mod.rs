//! Reading the log: one stream, or everything after a position.

mod decoded;
mod error;
mod log_reader;
mod page;

use std::sync::LazyLock;

use sqlx::PgPool;
use uuid::Uuid;

pub use error::Error;
pub use log_reader::LogReader;
pub use page::Page;

use crate::recorded::{COLUMNS, Position, RecordedEvent};

/// At most so many events after a position, in order.
static AFTER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS} FROM events WHERE position > $1::bigint ORDER BY position LIMIT $2::bigint"
    )
});

/// The same with their leaf hashes.
static AFTER_WITH_LEAVES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS}, leaf_hash FROM events \
         WHERE position > $1::bigint ORDER BY position LIMIT $2::bigint"
    )
});

/// Those at so many positions after one, with their leaf hashes behind: where positions are not
/// dense, fewer or more.
static AT_WITH_LEAVES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {COLUMNS}, leaf_hash FROM events \
         WHERE position > $1::bigint AND position <= $1::bigint + $2::bigint ORDER BY position"
    )
});

/// The events of one stream after `version`, oldest first.
///
/// # Errors
/// When the database is away.
pub async fn stream(
    pool: &PgPool,
    aggregate_type: &str,
    id: Uuid,
    version: u64,
) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events \
         WHERE aggregate_id = $1 AND aggregate_type = $2 AND sequence > $3 ORDER BY sequence"
    );
    let rows = sqlx::query(&sql)
        .bind(id)
        .bind(aggregate_type)
        .bind(version.cast_signed())
        .fetch_all(pool)
        .await?;
    rows.iter().map(RecordedEvent::from_row).collect()
}

/// At most `limit` events of the stream `id` after `version`, oldest first, whatever aggregate they
/// say they are of.
///
/// # Errors
/// When the database is away.
pub async fn stream_page(
    pool: &PgPool,
    id: Uuid,
    version: i64,
    limit: i64,
) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events \
         WHERE aggregate_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3"
    );
    let rows = sqlx::query(&sql)
        .bind(id)
        .bind(version)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(RecordedEvent::from_row).collect()
}

/// At most `limit` events of some streams up to the position `up_to`: stream after stream, each
/// oldest first.
///
/// # Errors
/// When the database is away.
pub async fn streams_up_to(
    pool: &PgPool,
    aggregate_type: &str,
    ids: &[Uuid],
    up_to: Position,
    limit: i64,
) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM events \
         WHERE aggregate_id = ANY($1) AND aggregate_type = $2 AND position <= $3 \
         ORDER BY aggregate_id, sequence LIMIT $4"
    );
    let rows = sqlx::query(&sql)
        .bind(ids)
        .bind(aggregate_type)
        .bind(up_to)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(RecordedEvent::from_row).collect()
}

/// At most `limit` events after `position`, in order. What is returned is committed, and nothing
/// before it is missing: positions are dense and in commit order.
///
/// # Errors
/// When the database is away.
pub async fn after(
    pool: &PgPool,
    position: Position,
    limit: i64,
) -> Result<Vec<RecordedEvent>, sqlx::Error> {
    let rows = sqlx::query(&AFTER)
        .bind(position)
        .bind(limit)
        .fetch_all(pool)
        .await?;
    rows.iter().map(RecordedEvent::from_row).collect()
}
