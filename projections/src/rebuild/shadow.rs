//! The shadow table: made bare, filled, and then given the indexes of the live one.

use sqlx::{Connection, Executor, PgConnection, PgPool, Row};
use uuid::Uuid;

use super::Error;
use crate::runtime::{Registered, Slot};

/// Makes an empty shadow without indexes, in place of one that a killed rebuild has left.
pub(super) async fn create(pool: &PgPool, projection: &Registered) -> Result<(), Error> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    remove(&mut tx, projection).await?;
    let create = format!(
        "CREATE TABLE {} (LIKE {} INCLUDING ALL EXCLUDING INDEXES)",
        projection.relation(Slot::Shadow),
        projection.relation(Slot::Live),
    );
    tx.execute(create.as_str()).await?;
    Ok(tx.commit().await?)
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

/// Gives the shadow the primary key and indexes of the live table, and statistics.
pub(super) async fn index(pool: &PgPool, projection: &Registered) -> Result<(), Error> {
    let (live, shadow) = (
        projection.relation(Slot::Live),
        projection.relation(Slot::Shadow),
    );
    let indexes = sqlx::query(
        "SELECT conname, pg_get_constraintdef(pg_constraint.oid) AS constraint, \
             pg_get_indexdef(indexrelid) AS index \
         FROM pg_index LEFT JOIN pg_constraint \
             ON conindid = indexrelid AND conrelid = indrelid AND contype IN ('p', 'u', 'x') \
         WHERE indrelid = $1::regclass ORDER BY indexrelid",
    )
    .bind(&live)
    .fetch_all(pool)
    .await?;
    for index in indexes {
        let name: Option<String> = index.try_get("conname")?;
        let sql = match name {
            Some(name) => {
                let constraint: String = index.try_get("constraint")?;
                format!("ALTER TABLE {shadow} ADD CONSTRAINT \"{name}\" {constraint}")
            }
            // As PostgreSQL writes it, the table's name stands after ON, with its schema.
            None => {
                let index: String = index.try_get("index")?;
                index.replacen(&format!(" ON {live} "), &format!(" ON {shadow} "), 1)
            }
        };
        pool.execute(sql.as_str()).await?;
    }
    analyze(pool, projection).await
}

/// Gives the shadow statistics.
pub(super) async fn analyze(pool: &PgPool, projection: &Registered) -> Result<(), Error> {
    let analyze = format!("ANALYZE {}", projection.relation(Slot::Shadow));
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
