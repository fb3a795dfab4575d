//! Changing the master key: wrapping every person's key by the current one.

use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use super::table::Row;
use super::{Error, MasterKeys};

/// The most keys of one transaction.
const BATCH: i64 = 500;

/// How many persons' keys there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// By the id of the master key that wraps them, in order.
    pub wrapped: Vec<(String, i64)>,
    /// How many were destroyed.
    pub erased: i64,
}

/// How many persons' keys each master key wraps, and how many were destroyed.
///
/// # Errors
/// When the database is away.
pub async fn status(pool: &PgPool) -> Result<Status, Error> {
    let rows =
        sqlx::query("SELECT master, count(*) AS keys FROM person_keys GROUP BY 1 ORDER BY 1")
            .fetch_all(pool)
            .await?;
    let mut status = Status::default();
    for row in rows {
        let keys = row.try_get("keys")?;
        match row.try_get("master")? {
            Some(master) => status.wrapped.push((master, keys)),
            None => status.erased = keys,
        }
    }
    Ok(status)
}

/// Wraps by the current master key what others have wrapped, batch by batch, and gives how many
/// keys that were. Killed and started again it goes on with the rest; several may run at once.
///
/// # Errors
/// [`Error::NoMaster`] when one of the others is not configured; see [`Error`]. What was wrapped
/// anew by then stays so.
pub async fn rewrap(pool: &PgPool, masters: &MasterKeys) -> Result<u64, Error> {
    let mut total = 0;
    loop {
        match rewrap_batch(pool, masters).await? {
            0 => return Ok(total),
            wrapped => total += wrapped,
        }
    }
}

async fn rewrap_batch(pool: &PgPool, masters: &MasterKeys) -> Result<u64, Error> {
    let mut tx = pool.begin().await?;
    // The rows are locked, so that a key that is destroyed meanwhile is not written again.
    let rows = sqlx::query(
        "SELECT person, master, wrapped FROM person_keys \
         WHERE wrapped IS NOT NULL AND master <> $1 ORDER BY person LIMIT $2 FOR UPDATE",
    )
    .bind(masters.current())
    .bind(BATCH)
    .fetch_all(&mut *tx)
    .await?;
    let (mut persons, mut wrapped): (Vec<Uuid>, Vec<Vec<u8>>) = (Vec::new(), Vec::new());
    for row in &rows {
        let Row { person, key } = Row::read(row)?;
        if let Some((master, old)) = key {
            let bytes = masters.unwrap(person, &master, &old)?;
            persons.push(person);
            wrapped.push(masters.wrap(person, &bytes)?);
        }
    }
    let written = sqlx::query(
        "UPDATE person_keys SET wrapped = new.wrapped, master = $3 \
         FROM unnest($1::uuid[], $2::bytea[]) AS new (person, wrapped) \
         WHERE person_keys.person = new.person",
    )
    .bind(persons)
    .bind(wrapped)
    .bind(masters.current())
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(written.rows_affected())
}
