//! Taking the live table's place, in one transaction.

use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection};

use super::progress::{Step, Teller};
use super::{Databases, Error, follow, shadow};
use crate::runtime::{Registered, Slot, checkpoint};

/// How long a swap waits for queries that hold the table, while other queries wait behind it.
const HELD: &str = "500ms";
/// How often it is tried, and how long queries have the table to themselves in between.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

/// Puts the table of `slot` in the place of the live one, which becomes the previous one. It has all
/// that the live one has by then, so no query sees less than before.
pub(super) async fn swap(
    databases: &Databases,
    projection: &Registered,
    slot: Slot,
    teller: &Teller,
) -> Result<(), Error> {
    for _ in 0..TRIES {
        // So that little is left to fold while the live table is locked.
        teller.begin(Step::Following, 0);
        follow::follow(databases, projection, slot, None, teller).await?;
        teller.begin(Step::Swapping, 0);
        match once(databases, projection, slot).await {
            Err(Error::Database(error)) if is_held(&error) => {
                tracing::info!(projection = projection.name, "a query holds the live table");
                tokio::time::sleep(PAUSE).await;
            }
            done => return done,
        }
    }
    Err(Error::Held(projection.name))
}

async fn once(databases: &Databases, projection: &Registered, slot: Slot) -> Result<(), Error> {
    let mut connection = databases.read.acquire().await?;
    let mut tx = connection.begin().await?;
    let limit = format!("SET LOCAL lock_timeout = '{HELD}'");
    tx.execute(limit.as_str()).await?;
    // No projector goes on from here, as every batch takes these locks first.
    let live = follow::lock(&mut tx, projection, Slot::Live).await?;
    if let Some(live) = &live {
        let until = Some(live);
        while follow::page(&mut tx, databases, projection, slot, until)
            .await?
            .is_some()
        {}
    }
    if slot != Slot::Previous {
        discard(&mut tx, projection, Slot::Previous).await?;
    }
    match live {
        // To go back and forth, the two change places by way of the shadow's.
        Some(_) if slot == Slot::Previous => {
            discard(&mut tx, projection, Slot::Shadow).await?;
            put(&mut tx, projection, Slot::Live, Slot::Shadow).await?;
            put(&mut tx, projection, Slot::Previous, Slot::Live).await?;
            put(&mut tx, projection, Slot::Shadow, Slot::Previous).await?;
            read_on(&mut tx, projection).await?;
        }
        Some(_) => {
            put(&mut tx, projection, Slot::Live, Slot::Previous).await?;
            put(&mut tx, projection, slot, Slot::Live).await?;
            read_on(&mut tx, projection).await?;
        }
        // The table that the migration made was never projected.
        None => {
            let drop = format!("DROP TABLE {}", projection.relation(Slot::Live));
            tx.execute(drop.as_str()).await?;
            put(&mut tx, projection, slot, Slot::Live).await?;
        }
    }
    checkpoint::tell(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Moves a table, its watermarks and what it has parked from one slot to another, which is empty.
async fn put(
    tx: &mut PgConnection,
    projection: &Registered,
    from: Slot,
    to: Slot,
) -> Result<(), Error> {
    let sql = format!(
        "ALTER TABLE {} SET SCHEMA {}",
        projection.relation(from),
        projection.schema(to)
    );
    tx.execute(sql.as_str()).await?;
    for of in ["watermarks", "parked"] {
        let sql = format!(
            "UPDATE {of} SET slot = $4 WHERE projection = $1 AND version = $2 AND slot = $3"
        );
        sqlx::query(&sql)
            .bind(projection.name)
            .bind(projection.version)
            .bind(from.name())
            .bind(to.name())
            .execute(&mut *tx)
            .await?;
    }
    Ok(())
}

async fn discard(tx: &mut PgConnection, projection: &Registered, slot: Slot) -> Result<(), Error> {
    let drop = format!("DROP TABLE IF EXISTS {}", projection.relation(slot));
    tx.execute(drop.as_str()).await?;
    shadow::forget(tx, projection, slot).await
}

/// The live table is read on from Kafka where the one before it was.
async fn read_on(tx: &mut PgConnection, projection: &Registered) -> Result<(), Error> {
    sqlx::query(
        "UPDATE watermarks AS live SET next_offset = previous.next_offset \
         FROM watermarks AS previous \
         WHERE live.projection = $1 AND live.version = $2 AND live.slot = $3 \
             AND previous.projection = $1 AND previous.version = $2 AND previous.slot = $4 \
             AND previous.context = live.context AND previous.partition = live.partition",
    )
    .bind(projection.name)
    .bind(projection.version)
    .bind(Slot::Live.name())
    .bind(Slot::Previous.name())
    .execute(tx)
    .await?;
    Ok(())
}

/// Whether a lock did not come in time.
fn is_held(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == "55P03")
}
