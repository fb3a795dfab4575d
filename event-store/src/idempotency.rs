//! Idempotency records: the first successful answer to a command, given again to its retries.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::{PgPool, Row};
use uuid::Uuid;

use crate::append::Mark;
use crate::partition::context_of;
use crate::recorded::Position;
use crate::wire;

/// The scope of what policies have carried out. It is kept for ever: a policy may be replayed years
/// later. The index of what is pruned (`migrations/log/0004_workers.sql`) leaves it out by name.
pub const OF_POLICIES: &str = "00000000-0000-0000-0000-706f6c696379";

/// The key that a command came with.
#[derive(Debug, Clone, PartialEq)]
pub struct Key {
    /// Whose key it is.
    pub scope: String,
    /// The key that the caller chose.
    pub key: String,
    /// A keyed digest of the request, to tell a retry from another request.
    pub digest: [u8; 32],
}

impl Key {
    pub(crate) fn stored_as(&self) -> (Uuid, Uuid) {
        stored_as(&self.scope, &self.key)
    }
}

/// A record to be stored with the events of its command. The last positions of the streams that
/// the command touched are added to it when they are known.
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

/// A record as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    digest: Vec<u8>,
    answer: String,
    positions: Vec<Position>,
}

impl Stored {
    pub(crate) fn read(row: &wire::Row) -> Result<Self, wire::Error> {
        Ok(Self {
            digest: row.raw(0)?.unwrap_or_default().to_vec(),
            answer: row.text(1)?.to_owned(),
            positions: row.bigints(2)?,
        })
    }

    /// The record, with where its positions are in the topics.
    pub(crate) async fn resolve(self, pool: &PgPool) -> Result<Record, sqlx::Error> {
        Ok(Record {
            digest: self.digest,
            answer: self.answer,
            marks: marks(pool, &self.positions).await?,
        })
    }
}

/// Under which scope and id an answer is stored. The scope is an account's id, or else the head
/// of a SHA-256. The id begins with the last 6 bytes of the scope, so that a person's answers
/// stand together; the other 10 are of a SHA-256 of scope and key.
pub fn stored_as(scope: &str, key: &str) -> (Uuid, Uuid) {
    let account = (scope.len() == 36).then(|| Uuid::try_parse(scope).ok());
    let scope = account.flatten().unwrap_or_else(|| {
        let mut head = [0; 16];
        head.copy_from_slice(&Sha256::digest(scope.as_bytes())[..16]);
        Uuid::from_bytes(head)
    });
    let mut hash = Sha256::new();
    hash.update(scope.as_bytes());
    hash.update(key.as_bytes());
    let mut id = [0; 16];
    id[..6].copy_from_slice(&scope.as_bytes()[10..]);
    id[6..].copy_from_slice(&hash.finalize()[..10]);
    (scope, Uuid::from_bytes(id))
}

/// The ids, first and last, between which the answers of an account stand.
pub(crate) fn ids_of(scope: Uuid) -> (Uuid, Uuid) {
    let (mut first, mut last) = ([0; 16], [0xff; 16]);
    first[..6].copy_from_slice(&scope.as_bytes()[10..]);
    last[..6].copy_from_slice(&scope.as_bytes()[10..]);
    (Uuid::from_bytes(first), Uuid::from_bytes(last))
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
    // The scope stands in the statement, so that the index that leaves it out can serve.
    let sql =
        format!("DELETE FROM idempotency WHERE created_at < $1 AND scope <> '{OF_POLICIES}'::uuid");
    let pruned = sqlx::query(&sql).bind(before).execute(pool).await?;
    Ok(pruned.rows_affected())
}
