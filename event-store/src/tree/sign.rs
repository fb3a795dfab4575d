//! Checkpoints: what is signed of the tree.

use chrono::{DateTime, Utc};
use proofs::{Checkpoint, SignedNote, root, root_tiles};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row};
use uuid::Uuid;

use super::{CheckpointKeys, Error, store};

/// A checkpoint that was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// How many leaves: the position of the last event that it covers.
    pub size: u64,
    /// The name of the log and its epoch.
    pub origin: String,
    /// The signed note.
    pub note: String,
    /// When it was signed.
    pub signed_at: DateTime<Utc>,
}

const COLUMNS: &str = "size, origin, note, signed_at";

/// How the log `name` of this epoch is called in its checkpoints. A log that lost its end and goes
/// on otherwise has another epoch, so it does not contradict what was signed before.
pub fn origin(name: &str, epoch: Uuid) -> String {
    format!("{name}/{epoch}")
}

/// Signs the tree as large as it is. Gives what was signed before when it has not grown since, and
/// none for an empty tree.
///
/// # Errors
/// [`Error::Contradiction`] when the tiles are not those of the last checkpoint: nothing is signed
/// then. Else see [`Error`].
pub async fn sign(log: &PgPool, keys: &CheckpointKeys) -> Result<Option<Signed>, Error> {
    let mut tx = log.begin().await?;
    let tree = "SELECT size, (SELECT id FROM epoch) AS epoch FROM tree FOR UPDATE OF tree";
    let row = sqlx::query(tree).fetch_one(&mut *tx).await?;
    let size = row.try_get::<i64, _>("size")?.unsigned_abs();
    let key = keys.signer(row.try_get("epoch")?)?;
    let origin = key.verifier_key().name().to_owned();
    if size == 0 {
        return Ok(None);
    }
    if let Some(last) = latest(&mut *tx).await? {
        holds(&mut tx, &last).await?;
        if (last.size, &last.origin) == (size, &origin) {
            return Ok(Some(last));
        }
    }
    let root = root(&store::nodes(&mut *tx, root_tiles(size)).await?, size)?;
    let note = Checkpoint::new(&origin, size, root)?.sign(&key)?;
    let sql = format!(
        "INSERT INTO checkpoints (size, origin, note) VALUES ($1, $2, $3) RETURNING {COLUMNS}"
    );
    let row = sqlx::query(&sql)
        .bind(size.cast_signed())
        .bind(origin)
        .bind(note)
        .fetch_one(&mut *tx)
        .await?;
    let signed = Signed::from_row(&row)?;
    tx.commit().await?;
    Ok(Some(signed))
}

/// The last checkpoint that was signed.
///
/// # Errors
/// When the database is away.
pub async fn latest(log: impl PgExecutor<'_>) -> Result<Option<Signed>, sqlx::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM checkpoints ORDER BY size DESC, signed_at DESC, origin LIMIT 1"
    );
    let row = sqlx::query(&sql).fetch_optional(log).await?;
    row.as_ref().map(Signed::from_row).transpose()
}

/// Those of `from` to `to` leaves, both included, in the order of their sizes: so many at most.
///
/// # Errors
/// When the database is away.
pub async fn checkpoints(
    log: impl PgExecutor<'_>,
    from: u64,
    to: u64,
    most: Option<usize>,
) -> Result<Vec<Signed>, sqlx::Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM checkpoints WHERE size BETWEEN $1 AND $2 \
         ORDER BY size, signed_at, origin LIMIT $3"
    );
    let bound = |size: u64| i64::try_from(size).unwrap_or(i64::MAX);
    let rows = sqlx::query(&sql)
        .bind(bound(from))
        .bind(bound(to))
        .bind(most.map(|most| bound(most as u64)))
        .fetch_all(log)
        .await?;
    rows.iter().map(Signed::from_row).collect()
}

impl Signed {
    pub(super) fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            size: row.try_get::<i64, _>("size")?.unsigned_abs(),
            origin: row.try_get("origin")?,
            note: row.try_get("note")?,
            signed_at: row.try_get("signed_at")?,
        })
    }
}

/// Whether the tiles are those that were signed. Whoever signs trusts its own table no more than
/// that: who altered both is found by those to whom the checkpoint was published.
async fn holds(tx: &mut PgConnection, last: &Signed) -> Result<(), Error> {
    let signed = Checkpoint::parse(SignedNote::parse(&last.note)?.unverified_text())?;
    let tiles = store::nodes(tx, root_tiles(last.size)).await?;
    if root(&tiles, last.size)? == signed.root() && signed.size() == last.size {
        return Ok(());
    }
    Err(Error::Contradiction {
        size: last.size,
        origin: last.origin.clone(),
    })
}

/// Those that were not published yet, in the order of their sizes.
pub(super) async fn unpublished(log: &PgPool) -> Result<Vec<Signed>, sqlx::Error> {
    let sql = format!("SELECT {COLUMNS} FROM checkpoints WHERE published_at IS NULL ORDER BY size");
    let rows = sqlx::query(&sql).fetch_all(log).await?;
    rows.iter().map(Signed::from_row).collect()
}

/// All who are to have it have it.
pub(super) async fn published(log: &PgPool, signed: &Signed) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE checkpoints SET published_at = now() WHERE size = $1 AND origin = $2")
        .bind(signed.size.cast_signed())
        .bind(&signed.origin)
        .execute(log)
        .await?;
    Ok(())
}
