//! What others have seen of the log, held against it: so a log that was restored from a backup
//! older than what was relayed or projected is noticed, by its epoch, its head and its events.

use std::collections::HashMap;
use std::time::Duration;

use sqlx::{PgPool, Row};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::database::is_away;
use crate::log::{self, Log};
use crate::recorded::Position;

/// How often a running service looks whether the log is still the one it began with.
const EVERY: Duration = Duration::from_secs(2);

/// The last event that somebody has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Who has seen it, as the subject of a sentence.
    pub by: String,
    /// The log that it was in.
    pub epoch: Uuid,
    /// Where it was; 0 when nothing was seen.
    pub position: Position,
    /// Which event it was, where that is known.
    pub event_id: Option<Uuid>,
}

/// Why this log can't be the one that was seen.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away or refuses.
    #[error("the log's database: {0}")]
    Database(#[from] sqlx::Error),
    /// It ends before what was seen.
    #[error(
        "{by} has seen position {position}, and the log ends at {head}: it was restored from a backup older than that. {}",
        WAY_OUT
    )]
    Behind {
        /// Who has seen more.
        by: String,
        /// What was seen.
        position: Position,
        /// The end of the log.
        head: Position,
    },
    /// It went another way since.
    #[error(
        "{by} has seen another event at position {position} than the log has there: it was restored from a backup older than that, and written to since. {}",
        WAY_OUT
    )]
    Another {
        /// Who has seen another event.
        by: String,
        /// Where.
        position: Position,
    },
    /// It has another epoch.
    #[error(
        "{by} knows a log of epoch {theirs}, and this one is of epoch {ours}: it was given a new epoch, or is another log. {}",
        OTHER_WAY_OUT
    )]
    OtherEpoch {
        /// Who knows another.
        by: String,
        /// The epoch that it knows.
        theirs: Uuid,
        /// The epoch of this log.
        ours: Uuid,
    },
}

const WAY_OUT: &str = "Stop every service; then restore a newer backup, or accept the loss by \
     `comptoir log new-epoch --clear-read` (docs/operations/restore.md)";
const OTHER_WAY_OUT: &str = "Start again what ran meanwhile; read tables and topics of the old \
     epoch are made anew by `comptoir log new-epoch --clear-read`; else check DATABASE_URL, \
     READ_DATABASE_URL and COMPTOIR_TOPIC_PREFIX (docs/operations/restore.md)";

impl Error {
    /// Whether the database can't be reached now, and may be later.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Database(error) if is_away(error))
    }
}

/// Refuses the log behind `pool` when it is not the one that was seen. What was seen is asked for
/// before the log is, so that a log that goes on meanwhile is ahead of it.
///
/// # Errors
/// See [`Error`].
pub async fn check(pool: &PgPool, all: &[Seen]) -> Result<(), Error> {
    let (ours, head) = log::head(pool).await?;
    let positions: Vec<Position> = all.iter().map(|seen| seen.position).collect();
    let rows = sqlx::query("SELECT position, event_id FROM events WHERE position = ANY($1)")
        .bind(positions)
        .fetch_all(pool)
        .await?;
    let events: HashMap<Position, Uuid> = rows
        .iter()
        .map(|row| Ok((row.try_get("position")?, row.try_get("event_id")?)))
        .collect::<Result<_, sqlx::Error>>()?;
    for seen in all {
        let (by, position) = (seen.by.clone(), seen.position);
        if seen.epoch != ours {
            let theirs = seen.epoch;
            return Err(Error::OtherEpoch { by, theirs, ours });
        }
        if position > head {
            return Err(Error::Behind { by, position, head });
        }
        if seen.event_id.is_some() && seen.event_id.as_ref() != events.get(&position) {
            return Err(Error::Another { by, position });
        }
    }
    Ok(())
}

/// Looks again and again, until `stop`, whether the log is still the one that a running service
/// began with: its cached states are of no other.
///
/// # Errors
/// See [`Error`]; a database that is away is waited for.
pub async fn watch(log: Log, stop: CancellationToken) -> Result<(), Error> {
    let mut last = Seen {
        by: "this service".to_owned(),
        epoch: log.epoch(),
        position: 0,
        event_id: None,
    };
    loop {
        // What stands at the end now is looked for next time: it is read before the check, so that
        // a restore in between is not taken for what was always there.
        let next = end(log.pool()).await;
        match check(log.pool(), std::slice::from_ref(&last)).await {
            Err(error) if error.is_away() => tracing::debug!(%error, "can't look at the log now"),
            Err(error) => return Err(error),
            Ok(()) => {
                if let Ok(Some((position, event_id))) = next {
                    (last.position, last.event_id) = (position, Some(event_id));
                }
            }
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// The last event of the log.
async fn end(pool: &PgPool) -> Result<Option<(Position, Uuid)>, sqlx::Error> {
    let sql = "SELECT position, event_id FROM events JOIN head USING (position)";
    sqlx::query_as(sql).fetch_optional(pool).await
}
