//! Leading: one relay at a time, and none that was overtaken can write how far it is.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Executor, PgPool, Row};
use uuid::Uuid;

use super::measure;
use crate::recorded::Position;
use crate::seen::Seen;

/// The advisory lock that the leader holds, in the log's database.
const LOCK: i64 = 4_714;

/// A context and a partition of its topic.
pub(super) type Partition = (Arc<str>, i32);

/// How far Kafka has the log, after some messages more.
#[derive(Debug)]
pub(super) struct Reached {
    /// The last position of all.
    pub(super) position: Position,
    /// How many messages more.
    pub(super) messages: usize,
    /// The last position of each partition that they went to.
    pub(super) partitions: HashMap<Partition, Position>,
}

impl Reached {
    /// Goes on to what was reached after this.
    pub(super) fn on_to(&mut self, next: Self) {
        self.position = next.position;
        self.messages += next.messages;
        self.partitions.extend(next.partitions);
    }
}

/// The right to relay, held by a session of the database.
pub(super) struct Lead {
    session: PgConnection,
    fence: i64,
    pub(super) epoch: Uuid,
    pub(super) position: Position,
    /// The last position sent to each partition of each context.
    pub(super) previous: HashMap<Partition, Position>,
}

/// How the lead was lost.
#[derive(Debug)]
pub(super) struct Lost(&'static str);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Takes the lead, or none while another relay has it.
pub(super) async fn take(pool: &PgPool) -> Result<Option<Lead>, sqlx::Error> {
    // A session of its own: the lock lives and dies with it.
    let mut session = PgConnection::connect_with(&pool.connect_options()).await?;
    let locked: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
        .bind(LOCK)
        .fetch_one(&mut session)
        .await?;
    if !locked {
        session.close().await?;
        return Ok(None);
    }
    let row = sqlx::query("UPDATE relay SET fence = fence + 1 RETURNING fence, epoch, position")
        .fetch_one(&mut session)
        .await?;
    let sent = sqlx::query(
        "SELECT context, partition, relay_partitions.position FROM relay_partitions \
         JOIN topics USING (context, generation)",
    )
    .fetch_all(&mut session)
    .await?;
    let previous = sent.iter().map(|row| {
        let context: &str = row.try_get("context")?;
        let partition = (Arc::from(context), row.try_get("partition")?);
        Ok((partition, row.try_get("position")?))
    });
    // What is lost of it with a crash of the server is relayed again.
    session.execute("SET synchronous_commit = off").await?;
    Ok(Some(Lead {
        fence: row.try_get("fence")?,
        epoch: row.try_get("epoch")?,
        position: row.try_get("position")?,
        previous: previous.collect::<Result<_, sqlx::Error>>()?,
        session,
    }))
}

impl Lead {
    /// What was relayed so far, as the relay wrote it down.
    pub(super) fn seen(&self) -> Seen {
        Seen {
            by: "the relay".to_owned(),
            epoch: self.epoch,
            position: self.position,
            event_id: None,
        }
    }

    /// Whether the session that holds the lock is still there.
    pub(super) async fn still_held(&mut self) -> Result<Option<Lost>, sqlx::Error> {
        match self.session.ping().await {
            Ok(()) => Ok(None),
            Err(_) => Ok(Some(Lost("its session of the database ended"))),
        }
    }

    /// Writes down what Kafka has, unless another relay leads by now.
    pub(super) async fn advance(&mut self, reached: Reached) -> Result<Option<Lost>, sqlx::Error> {
        let (mut contexts, mut numbers, mut positions) = (vec![], vec![], vec![]);
        for ((context, number), position) in &reached.partitions {
            contexts.push(&**context);
            numbers.push(*number);
            positions.push(*position);
        }
        let moved = sqlx::query(
            "WITH moved AS (UPDATE relay SET position = $1 WHERE fence = $2 RETURNING position) \
             INSERT INTO relay_partitions (context, generation, partition, position) \
             SELECT context, generation, sent.partition, sent.position \
             FROM moved, unnest($3::text[], $4::integer[], $5::bigint[]) \
                 AS sent (context, partition, position) JOIN topics USING (context) \
             ON CONFLICT (context, generation, partition) DO UPDATE SET position = excluded.position",
        )
        .bind(reached.position)
        .bind(self.fence)
        .bind(contexts)
        .bind(numbers)
        .bind(positions)
        .execute(&mut self.session)
        .await?;
        if moved.rows_affected() == 0 {
            return Ok(Some(Lost("another relay leads")));
        }
        self.position = reached.position;
        measure::written_down(reached.messages);
        Ok(None)
    }
}
