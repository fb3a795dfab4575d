//! The shadow table: made bare, filled, and then given the indexes of the live one.

use sqlx::{Connection, Executor, PgConnection, PgPool};
use uuid::Uuid;

use super::Error;
use crate::runtime::{Registered, Slot};

/// Makes an empty shadow without indexes, in place of one that a killed rebuild has left.
pub(super) async fn create(pool: &PgPool, projection: &Registered) -> Result<(), Error> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    remove(&mut tx, projection).await?;
    create_bare(&mut tx, projection, &projection.relation(Slot::Shadow)).await?;
    Ok(tx.commit().await?)
}

/// Makes the table `relation`, given with its schema: empty, as the live one, and without indexes.
pub(super) async fn create_bare(
    connection: &mut PgConnection,
    projection: &Registered,
    relation: &str,
) -> Result<(), sqlx::Error> {
    let create = format!(
        "CREATE TABLE {relation} (LIKE {} INCLUDING ALL EXCLUDING INDEXES)",
        projection.relation(Slot::Live),
    );
    connection.execute(create.as_str()).await?;
    Ok(())
}

/// Makes the schemas of shadow and previous tables.
pub(super) async fn schemas(pool: &PgPool, projection: &Registered) -> Result<(), Error> {
    for slot in [Slot::Shadow, Slot::Previous] {
        let create = format!("CREATE SCHEMA IF NOT EXISTS {}", projection.schema(slot));
        match pool.execute(create.as_str()).await {
            // Another rebuild made it at this very moment.
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {}
            done => {
                done?;
            }
        }
    }
    Ok(())
}

/// Takes the shadow away.
pub(super) async fn drop(pool: &PgPool, projection: &Registered) -> Result<(), Error> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    remove(&mut tx, projection).await?;
    Ok(tx.commit().await?)
}

async fn remove(tx: &mut PgConnection, projection: &Registered) -> Result<(), Error> {
    let drop = format!("DROP TABLE IF EXISTS {}", projection.relation(Slot::Shadow));
    tx.execute(drop.as_str()).await?;
    forget(tx, projection, Slot::Shadow).await
}

/// Forgets where a table stood, and what it had parked.
pub(super) async fn forget(
    tx: &mut PgConnection,
    projection: &Registered,
    slot: Slot,
) -> Result<(), Error> {
    for of in ["watermarks", "parked"] {
        let sql = format!("DELETE FROM {of} WHERE projection = $1 AND version = $2 AND slot = $3");
        sqlx::query(&sql)
            .bind(projection.name)
            .bind(projection.version)
            .bind(slot.name())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

/// Gives the table `relation`, given with its schema, the primary key and indexes of the live one,
/// and statistics.
pub(super) async fn index(
    pool: &PgPool,
    projection: &Registered,
    relation: &str,
) -> Result<(), Error> {
    for (constraint, index) in indexes(pool, projection).await? {
        let sql = match constraint {
            Some(constraint) => format!("ALTER TABLE {relation} ADD CONSTRAINT {constraint}"),
            // As PostgreSQL writes it, the table's name stands after ON, with its schema.
            None => {
                let live = projection.relation(Slot::Live);
                index.replacen(&format!(" ON {live} "), &format!(" ON {relation} "), 1)
            }
        };
        pool.execute(sql.as_str()).await?;
    }
    analyze(pool, relation).await
}

/// The indexes of the live table: the constraint, with its name, that one is of; and what makes it.
/// A rebuild that swaps the table meanwhile waits until all is read.
async fn indexes(
    pool: &PgPool,
    projection: &Registered,
) -> Result<Vec<(Option<String>, String)>, Error> {
    let live = projection.relation(Slot::Live);
    let mut tx = pool.begin().await?;
    let lock = format!("LOCK TABLE {live} IN ACCESS SHARE MODE");
    tx.execute(lock.as_str()).await?;
    let indexes = sqlx::query_as(
        "SELECT quote_ident(conname) || ' ' || pg_get_constraintdef(pg_constraint.oid), \
             pg_get_indexdef(indexrelid) \
         FROM pg_index LEFT JOIN pg_constraint \
             ON conindid = indexrelid AND conrelid = indrelid AND contype IN ('p', 'u', 'x') \
         WHERE indrelid = $1::regclass ORDER BY indexrelid",
    )
    .bind(&live)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    Ok(indexes)
}

/// Gives the table `relation`, given with its schema, statistics.
pub(super) async fn analyze(pool: &PgPool, relation: &str) -> Result<(), Error> {
    let analyze = format!("ANALYZE {relation}");
    pool.execute(analyze.as_str()).await?;
    Ok(())
}

/// The columns of the live table's primary key.
pub(super) async fn key_columns(
    pool: &PgPool,
    projection: &Registered,
) -> Result<Vec<String>, Error> {
    let columns = sqlx::query_scalar(
        "SELECT attname::text FROM pg_index, \
             unnest(indkey) WITH ORDINALITY AS key (attnum, place) \
             JOIN pg_attribute USING (attnum) \
         WHERE indrelid = $1::regclass AND indisprimary AND attrelid = indrelid ORDER BY place",
    )
    .bind(projection.relation(Slot::Live))
    .fetch_all(pool)
    .await?;
    Ok(columns)
}

/// The shadow holds the log up to `head` in every partition of its topic.
pub(super) async fn stand_at(
    pool: &PgPool,
    projection: &Registered,
    partitions: u32,
    epoch: Uuid,
    head: (event_store::Position, Option<Uuid>),
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO watermarks \
             (projection, version, context, partition, epoch, position, event_id, slot) \
         SELECT $1, $2, $3, partition, $5, $6, $7, $8 \
         FROM generate_series(0, $4 - 1) AS partition",
    )
    .bind(projection.name)
    .bind(projection.version)
    .bind(projection.context)
    .bind(partitions.cast_signed())
    .bind(epoch)
    .bind(head.0)
    .bind(head.1)
    .bind(Slot::Shadow.name())
    .execute(pool)
    .await?;
    Ok(())
}
