//! Adding what was appended to the tiles.

use proofs::{Hash, TileBuilder, edge_tiles};
use sqlx::{PgConnection, PgPool, Row};

use super::{Error, store};

/// The most leaves that one transaction adds.
const STEP: i64 = 65_536;

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grown {
    /// The tree has all of the log, up to this size.
    UpToDate(u64),
    /// It has so many leaves, and there may be more to add.
    Behind(u64),
    /// Another process is at it.
    Busy,
}

/// Adds leaves to the tiles. Several may run: each step is one transaction that holds the tree.
pub struct Grower {
    log: PgPool,
    /// The right edge, as of the last step; of no use when another process has gone on since.
    builder: Option<TileBuilder>,
}

impl Grower {
    /// For the log behind `log`.
    pub fn new(log: PgPool) -> Self {
        Self { log, builder: None }
    }

    /// Adds what there is, a step after the other.
    ///
    /// # Errors
    /// See [`Error`]; what earlier steps added stays.
    pub async fn grow(&mut self) -> Result<Grown, Error> {
        loop {
            match self.step().await? {
                Grown::Behind(_) => {}
                done => return Ok(done),
            }
        }
    }

    async fn step(&mut self) -> Result<Grown, Error> {
        let mut tx = self.log.begin().await?;
        let row = sqlx::query("SELECT size FROM tree FOR UPDATE SKIP LOCKED")
            .fetch_optional(&mut *tx)
            .await?;
        let Some(row) = row else {
            return Ok(Grown::Busy);
        };
        let size = row.try_get::<i64, _>("size")?.unsigned_abs();
        let held = self.builder.take().filter(|held| held.size() == size);
        let mut builder = match held {
            Some(builder) => builder,
            None => TileBuilder::resume(size, store::tiles(&mut *tx, edge(size)).await?)?,
        };
        let leaves = leaves(&mut tx, size).await?;
        for leaf in &leaves {
            builder.push(*leaf);
        }
        let grown = match leaves.len() as i64 {
            0 => Grown::UpToDate(size),
            STEP => Grown::Behind(builder.size()),
            _ => Grown::UpToDate(builder.size()),
        };
        if !leaves.is_empty() {
            store::write(&mut tx, &builder.take()).await?;
            sqlx::query("UPDATE tree SET size = $1")
                .bind(builder.size().cast_signed())
                .execute(&mut *tx)
                .await?;
            // What a crash takes is added again, and a checkpoint is flushed behind it.
            sqlx::query("SET LOCAL synchronous_commit = off")
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        self.builder = Some(builder);
        Ok(grown)
    }
}

fn edge(size: u64) -> impl Iterator<Item = proofs::TileId> {
    edge_tiles(size).map(|shape| shape.id)
}

/// The leaf hashes after the first `size`, in order.
async fn leaves(log: &mut PgConnection, size: u64) -> Result<Vec<Hash>, Error> {
    let row = sqlx::query(
        "SELECT count(*) AS count, max(position) AS last, string_agg(leaf_hash, '') AS leaves, \
             (SELECT position FROM head) AS head \
         FROM (SELECT position, leaf_hash FROM events WHERE position > $1 \
               ORDER BY position LIMIT $2) AS next",
    )
    .bind(size.cast_signed())
    .bind(STEP)
    .fetch_one(log)
    .await?;
    let (count, head): (i64, i64) = (row.try_get("count")?, row.try_get("head")?);
    if head < size.cast_signed() {
        let head = head.unsigned_abs();
        return Err(Error::Shorter { size, head });
    }
    if count == 0 {
        return Ok(Vec::new());
    }
    if row.try_get::<i64, _>("last")? != size.cast_signed() + count {
        return Err(Error::Hole(size));
    }
    let bytes: &[u8] = row.try_get("leaves")?;
    match bytes.as_chunks::<32>() {
        (leaves, []) if leaves.len() as i64 == count => {
            Ok(leaves.iter().copied().map(Hash).collect())
        }
        _ => Err(Error::Leaf(size)),
    }
}
