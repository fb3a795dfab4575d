//! Idempotency records: the first successful answer to a command, given again to its retries.

use chrono::{DateTime, Utc};
use sqlx::{PgPool, Row};

use crate::append::Mark;
use crate::partition::context_of;
use crate::recorded::Position;

/// A record to be stored with the events of its command.
#[derive(Debug, Clone, PartialEq)]
pub struct NewRecord {
    /// Whose key it is.
    pub scope: String,
    /// The key that the caller chose.
    pub key: String,
    /// A keyed digest of the request, to tell a retry from another request.
    pub digest: [u8; 32],
    /// Ids, versions and amounts of the answer, as JSON.
    pub answer: String,
    /// The last positions of streams that were read and not written to; those of streams that were
    /// written to are added when they are known.
    pub positions: Vec<Position>,
}

/// A record that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The digest of the first request.
    pub digest: Vec<u8>,
    /// What was answered, as JSON.
    pub answer: String,
    /// Where the streams of the command stood.
    pub marks: Vec<Mark>,
}

pub(crate) async fn find(
    pool: &PgPool,
    scope: &str,
    key: &str,
) -> Result<Option<Record>, sqlx::Error> {
    let found = sqlx::query(
        "SELECT digest, answer::text AS answer, positions FROM idempotency \
         WHERE scope = $1 AND key = $2",
    )
    .bind(scope)
    .bind(key)
    .fetch_optional(pool)
    .await?;
    let Some(row) = found else { return Ok(None) };
    let positions: Vec<Position> = row.try_get("positions")?;
    Ok(Some(Record {
        digest: row.try_get("digest")?,
        answer: row.try_get("answer")?,
        marks: marks(pool, &positions).await?,
    }))
}

async fn marks(pool: &PgPool, positions: &[Position]) -> Result<Vec<Mark>, sqlx::Error> {
    if positions.is_empty() {
        return Ok(Vec::new());
    }
    let rows = sqlx::query(
        "SELECT aggregate_type, partition, position FROM events WHERE position = ANY($1)",
    )
    .bind(positions)
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let aggregate_type: String = row.try_get("aggregate_type")?;
            Ok(Mark {
                context: context_of(&aggregate_type).to_owned(),
                partition: row.try_get("partition")?,
                position: row.try_get("position")?,
            })
        })
        .collect()
}

pub(crate) async fn prune(pool: &PgPool, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let pruned = sqlx::query("DELETE FROM idempotency WHERE created_at < $1")
        .bind(before)
        .execute(pool)
        .await?;
    Ok(pruned.rows_affected())
}
