//! Exporting: events as CloudEvents in lines of JSON, as the log stores them. Personal data stays
//! sealed.

mod bound;
mod chunk;
mod folder;
mod line;
mod part;
mod pipe;
mod sink;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use event_store::{Position, read};
use sqlx::PgPool;

pub use bound::{Bound, NoBound, range};
pub use chunk::{Chunk, Chunks, Selection};
pub use folder::{FILE, to_folder};
pub use sink::to_sink;

use crate::manifest::{Asked, TopicOf};

/// Is told the position that was reached, and the one where it ends.
pub type Progress = Arc<dyn Fn(Position, Position) + Send + Sync>;

/// What is to be exported.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Where it begins; with the first event unless told otherwise.
    pub from: Option<Bound>,
    /// Where it ends, included; with the last event there is by now unless told otherwise.
    pub to: Option<Bound>,
    /// Of which contexts; of all when none is named.
    pub contexts: Vec<String>,
}

/// Why nothing, or not all, is exported.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log's database is away or refuses.
    #[error("the log's database: {0}")]
    Database(#[from] sqlx::Error),
    /// The log can't be read on.
    #[error(transparent)]
    Read(#[from] read::Error),
    /// The folder or the sink can't be written.
    #[error("writing the export: {0}")]
    Io(#[from] io::Error),
    /// The folder has an export of something else.
    #[error(
        "{0} has the export of another log, or of another range: ask for the same to go on with it, or name another folder"
    )]
    Another(PathBuf),
    /// The folder has something else.
    #[error("{0} is not empty and has no manifest: name a folder that is new or empty")]
    Occupied(PathBuf),
    /// The log ended before the range did.
    #[error("the log ended at position {reached}, before the range did: it was altered meanwhile")]
    Ended {
        /// The last position there is.
        reached: Position,
    },
    /// A task of this process broke.
    #[error("{0}")]
    Broken(String),
}

impl Error {
    fn broken(error: &dyn std::fmt::Display) -> Self {
        Self::Broken(error.to_string())
    }
}

impl From<&Request> for Asked {
    fn from(request: &Request) -> Self {
        let written = |bound: &Bound| match bound {
            Bound::Position(position) => position.to_string(),
            Bound::Time(time) => time.to_rfc3339(),
        };
        Self {
            from: request.from.as_ref().map(written),
            to: request.to.as_ref().map(written),
            contexts: request.contexts.clone(),
        }
    }
}

/// Every topic of the log behind `pool`, in the order of their contexts.
async fn topics(pool: &PgPool) -> Result<Vec<TopicOf>, sqlx::Error> {
    let sql = "SELECT context, generation, partitions FROM topics ORDER BY context";
    let rows: Vec<(String, i32, i32)> = sqlx::query_as(sql).fetch_all(pool).await?;
    let topic = |(context, generation, partitions): (String, i32, i32)| TopicOf {
        context,
        generation,
        partitions: partitions.unsigned_abs(),
    };
    Ok(rows.into_iter().map(topic).collect())
}
