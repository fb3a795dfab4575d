//! The table of persons' keys.

use std::collections::HashSet;
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, PgExecutor, PgPool, Row as _};
use uuid::Uuid;

use crate::idempotency::ids_of;

/// A person's row.
pub(super) struct Row {
    pub(super) person: Uuid,
    /// The id of the master key and the key that it has wrapped; none when it was destroyed.
    pub(super) key: Option<(String, Vec<u8>)>,
}

impl Row {
    pub(super) fn read(row: &PgRow) -> Result<Self, sqlx::Error> {
        let master: Option<String> = row.try_get("master")?;
        let wrapped: Option<Vec<u8>> = row.try_get("wrapped")?;
        Ok(Self {
            person: row.try_get("person")?,
            key: master.zip(wrapped),
        })
    }
}

/// The persons whose keys were destroyed in so long a time, by the clock of the database.
pub(super) async fn erased_within(
    database: impl PgExecutor<'_>,
    time: Duration,
) -> Result<Vec<Uuid>, sqlx::Error> {
    let sql = "SELECT person FROM person_keys \
         WHERE erased_at > now() - make_interval(secs => $1) ORDER BY person";
    let query = sqlx::query_scalar(sql).bind(time.as_secs_f64());
    query.fetch_all(database).await
}

/// What became of a person's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// It was destroyed now.
    Destroyed,
    /// It had been destroyed before.
    Before,
    /// There was none. There will not be one either.
    NoKey,
}

pub(super) async fn select(
    database: impl PgExecutor<'_>,
    persons: &[Uuid],
) -> Result<Vec<Row>, sqlx::Error> {
    let rows =
        sqlx::query("SELECT person, master, wrapped FROM person_keys WHERE person = ANY($1)")
            .bind(persons)
            .fetch_all(database)
            .await?;
    rows.iter().map(Row::read).collect()
}

/// Stores new keys, wrapped by `master`, of persons who have none; gives whose were stored. Who
/// has one already, or had one that was destroyed, is passed over.
pub(super) async fn insert(
    database: impl PgExecutor<'_>,
    keys: &[(Uuid, &[u8])],
    master: &str,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    let (persons, wrapped): (Vec<Uuid>, Vec<&[u8]>) = keys.iter().copied().unzip();
    // In one order, so that two inserts that meet wait for each other on one side only.
    let made: Vec<Uuid> = sqlx::query_scalar(
        "INSERT INTO person_keys (person, wrapped, master) \
         SELECT person, wrapped, $3 FROM unnest($1::uuid[], $2::bytea[]) AS new (person, wrapped) \
         ORDER BY person ON CONFLICT DO NOTHING RETURNING person",
    )
    .bind(persons)
    .bind(wrapped)
    .bind(master)
    .fetch_all(database)
    .await?;
    Ok(made.into_iter().collect())
}

/// Destroys the key of `person` in the database of `keys`, and removes the answers kept for that
/// person's retries and the password's hash: in the same transaction, or after it in the log that
/// the keys are `apart_from`.
///
/// # Errors
/// When a database is away; done again it goes on.
pub async fn erase(
    keys: &PgPool,
    apart_from: Option<&PgPool>,
    person: Uuid,
) -> Result<Erasure, sqlx::Error> {
    let mut tx = keys.begin().await?;
    let had: Option<bool> = sqlx::query_scalar(
        "SELECT wrapped IS NOT NULL FROM person_keys WHERE person = $1 FOR UPDATE",
    )
    .bind(person)
    .fetch_optional(&mut *tx)
    .await?;
    sqlx::query(
        "INSERT INTO person_keys (person, erased_at) VALUES ($1, now()) \
         ON CONFLICT (person) DO UPDATE SET wrapped = NULL, master = NULL, \
             erased_at = COALESCE(person_keys.erased_at, now())",
    )
    .bind(person)
    .execute(&mut *tx)
    .await?;
    match apart_from {
        None => {
            forget(&mut tx, person).await?;
            tx.commit().await?;
        }
        Some(log) => {
            tx.commit().await?;
            let mut tx = log.begin().await?;
            forget(&mut tx, person).await?;
            tx.commit().await?;
        }
    }
    Ok(match had {
        Some(true) => Erasure::Destroyed,
        Some(false) => Erasure::Before,
        None => Erasure::NoKey,
    })
}

/// Removes what the log's database has of `person` beside the log: answers kept for retries, and
/// the hash of the password.
async fn forget(log: &mut PgConnection, person: Uuid) -> Result<(), sqlx::Error> {
    let (first, last) = ids_of(person);
    sqlx::query("DELETE FROM idempotency WHERE scope = $1 AND id BETWEEN $2 AND $3")
        .bind(person)
        .bind(first)
        .bind(last)
        .execute(&mut *log)
        .await?;
    sqlx::query("DELETE FROM credentials WHERE account_id = $1")
        .bind(person)
        .execute(log)
        .await?;
    Ok(())
}

/// One row of each master key in use, found by as many looks into the index.
pub(super) async fn one_of_each_master(
    database: impl PgExecutor<'_>,
) -> Result<Vec<Row>, sqlx::Error> {
    let rows = sqlx::query(
        "WITH RECURSIVE used AS ( \
             (SELECT master, person FROM person_keys WHERE wrapped IS NOT NULL \
              ORDER BY master, person LIMIT 1) \
             UNION ALL \
             SELECT following.master, following.person FROM used, LATERAL \
                 (SELECT master, person FROM person_keys \
                  WHERE wrapped IS NOT NULL AND master > used.master \
                  ORDER BY master, person LIMIT 1) AS following) \
         SELECT person, person_keys.master, wrapped FROM used JOIN person_keys USING (person)",
    )
    .fetch_all(database)
    .await?;
    rows.iter().map(Row::read).collect()
}
