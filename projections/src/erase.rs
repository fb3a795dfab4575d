//! Emptying what read tables have of a person whose key is destroyed.
//!
//! Folding an event whose key is gone gives a row without what is personal; this makes the rows that
//! were folded before the same. Columns say themselves whose they are, by a comment that their
//! migration gives them (`personal of <column>`), so it finds the tables of other versions of the
//! program too, those that are being built, and those that are kept to go back to.

use std::time::Duration;

use event_store::personal::{self, Keyring};
use sqlx::{PgPool, Postgres, Row, Transaction};
use uuid::Uuid;

/// How long batches may write what they opened before the key was destroyed: rows are emptied once
/// more after that.
pub const SETTLED: Duration = Duration::from_secs(60);
/// How often it looks for the tables anew when one was swapped meanwhile.
const TRIES: u32 = 5;

/// A table with what it has of persons.
struct Marked {
    schema: String,
    table: String,
    /// The column that names the person.
    person: String,
    columns: Vec<String>,
}

/// Empties what the read tables, of every version and slot, have of `person`; gives how many rows
/// had something. Done again, it finds nothing.
///
/// # Errors
/// When the database is away.
pub async fn erase(read: &PgPool, person: Uuid) -> Result<u64, sqlx::Error> {
    let mut tries = 0;
    loop {
        tries += 1;
        match once(read, person).await {
            Err(error) if tries < TRIES && is_gone(&error) => {}
            done => return done,
        }
    }
}

/// The same for all whose keys were destroyed in so long a time.
///
/// # Errors
/// When a database is away.
pub async fn erase_lately(
    read: &PgPool,
    keyring: &Keyring,
    time: Duration,
) -> Result<(), personal::Error> {
    for person in keyring.erased_within(time + SETTLED).await? {
        erase(read, person).await?;
    }
    Ok(())
}

async fn once(read: &PgPool, person: Uuid) -> Result<u64, sqlx::Error> {
    let mut emptied = 0;
    for table in marked(read).await? {
        let mut tx = read.begin().await?;
        // No batch is under way that has read these rows and will write them.
        lock(&mut tx, &table.table).await?;
        let sql = table.sql();
        let done = sqlx::query(&sql).bind(person).execute(&mut *tx).await?;
        tx.commit().await?;
        emptied += done.rows_affected();
    }
    Ok(emptied)
}

/// Locks all watermarks of a projection, in the order in which batches lock them.
async fn lock(tx: &mut Transaction<'_, Postgres>, projection: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT FROM watermarks WHERE projection = $1 \
         ORDER BY context, partition, projection, version, slot FOR UPDATE",
    )
    .bind(projection)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

async fn marked(read: &PgPool) -> Result<Vec<Marked>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT nspname::text AS schema, relname::text AS table, \
             substr(description, 13) AS person, array_agg(attname::text ORDER BY attnum) AS columns \
         FROM pg_description \
             JOIN pg_class ON pg_class.oid = objoid AND relkind = 'r' \
             JOIN pg_namespace ON pg_namespace.oid = relnamespace \
             JOIN pg_attribute ON attrelid = objoid AND attnum = objsubid \
         WHERE classoid = 'pg_class'::regclass AND description LIKE 'personal of %' \
         GROUP BY nspname, relname, description ORDER BY nspname, relname, description",
    )
    .fetch_all(read)
    .await?;
    let marked = rows.iter().map(|row| {
        Ok(Marked {
            schema: row.try_get("schema")?,
            table: row.try_get("table")?,
            person: row.try_get("person")?,
            columns: row.try_get("columns")?,
        })
    });
    marked.collect()
}

impl Marked {
    /// The names are of our own migrations, but for the schemas of replays.
    fn sql(&self) -> String {
        let Self {
            schema,
            table,
            person,
            columns,
        } = self;
        let columns = columns.join(", ");
        let nulls = vec!["NULL"; self.columns.len()].join(", ");
        format!(
            "UPDATE \"{schema}\".{table} SET ({columns}) = ROW ({nulls}) \
             WHERE {person} = $1 AND num_nonnulls({columns}) > 0"
        )
    }
}

/// Whether a table was swapped away, or its schema dropped.
fn is_gone(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == "42P01" || code == "3F000")
}
