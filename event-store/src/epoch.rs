//! A new epoch: what an operator gives a log that was restored on purpose from an older backup.

use sqlx::{PgPool, Row};
use uuid::Uuid;

use crate::recorded::Position;

/// A log that has a new epoch.
#[derive(Debug, Clone)]
pub struct NewEpoch {
    /// The new epoch.
    pub epoch: Uuid,
    /// The position of the last event, up to which all is relayed anew.
    pub head: Position,
    /// Every context and the generation of its new topic.
    pub topics: Vec<(String, i32)>,
}

/// Gives the log behind `pool` a new epoch and each of its contexts a new topic, to which
/// everything is relayed from the first event on. Tokens, messages and watermarks of the old epoch
/// are refused from then on. All of it is done or nothing.
///
/// # Errors
/// When the database is away.
pub async fn begin(pool: &PgPool) -> Result<NewEpoch, sqlx::Error> {
    let mut tx = pool.begin().await?;
    // The log is locked first, as by every append; and a relay that still runs is fenced off.
    let begun =
        sqlx::query("UPDATE epoch SET id = gen_random_uuid(), term = term + 1 RETURNING id");
    let epoch: Uuid = begun.fetch_one(&mut *tx).await?.try_get("id")?;
    let head = sqlx::query("SELECT position FROM head")
        .fetch_one(&mut *tx)
        .await?;
    sqlx::query("UPDATE relay SET epoch = $1, position = 0, fence = fence + 1")
        .bind(epoch)
        .execute(&mut *tx)
        .await?;
    // What policies did after the backup is not known any more; what they did before it is.
    sqlx::query(
        "UPDATE policies SET epoch = $1, position = least(position, (SELECT position FROM head)), \
             replayed_to = NULL, replay_until = NULL",
    )
    .bind(epoch)
    .execute(&mut *tx)
    .await?;
    sqlx::query("DELETE FROM relay_partitions")
        .execute(&mut *tx)
        .await?;
    let topics = "UPDATE topics SET generation = generation + 1 RETURNING context, generation";
    let mut topics: Vec<(String, i32)> = sqlx::query_as(topics).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    topics.sort();
    Ok(NewEpoch {
        epoch,
        head: head.try_get("position")?,
        topics,
    })
}
