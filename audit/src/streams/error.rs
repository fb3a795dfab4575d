//! Why a question about a stream, or about an event, has no answer.

use domain::streams::FoldError;
use event_store::{Position, database, personal};
use uuid::Uuid;

use super::name::StreamName;

/// Why a question about a stream, or about an event, has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No event is in such a stream.
    #[error("there is no stream {0}")]
    Unknown(StreamName),
    /// Events of several aggregates have this id, which an append can't make.
    #[error("{id} has events of {first} and of {last}: name one of them, as in {first}/{id}")]
    Ambiguous {
        /// The id.
        id: Uuid,
        /// Whose its first event is.
        first: String,
        /// Whose its last event is.
        last: String,
    },
    /// This program has no such aggregate.
    #[error("this program knows no aggregate {0}, so it can't fold its events")]
    NoAggregate(String),
    /// An event of the stream is not where it should be, which an append can't make.
    #[error("event {version} of the stream {id} is missing, so what came of it can't be told")]
    Hole {
        /// The stream.
        id: Uuid,
        /// Which of its events.
        version: i64,
    },
    /// A stored event can't be read.
    #[error("after version {after} of the stream {id}: {source}")]
    Unreadable {
        /// The stream.
        id: Uuid,
        /// The version that could be read.
        after: i64,
        /// What is wrong.
        source: FoldError,
    },
    /// The metadata or the payload of an event is no JSON of its form.
    #[error("the event at {position}: {source}")]
    Malformed {
        /// Where it is.
        position: Position,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// Personal data can't be opened.
    #[error(transparent)]
    Personal(#[from] personal::Error),
    /// The log's database is away or refuses.
    #[error("the log's database: {0}")]
    Database(#[from] sqlx::Error),
}

impl Error {
    /// Whether a database can't be reached now, and may be later.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Personal(error) => error.is_away(),
            Self::Database(error) => database::is_away(error),
            _ => false,
        }
    }
}
