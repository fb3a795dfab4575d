//! Why a table can't be rebuilt.

use event_store::RecordedEvent;
use event_store::database::is_away;

use crate::runtime::{ApplyError, FoldError, Registered};

/// Why a table can't be rebuilt.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A database is away or refuses.
    #[error("the database: {0}")]
    Database(#[from] sqlx::Error),
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] event_store::read::Error),
    /// Personal data can't be opened.
    #[error(transparent)]
    Personal(#[from] event_store::personal::Error),
    /// Somebody else rebuilds it.
    #[error("{0} is being rebuilt by somebody else")]
    BeingRebuilt(&'static str),
    /// There is no previous table.
    #[error("{0} has no previous table to go back to")]
    NoPrevious(&'static str),
    /// The live table was projected from another log.
    #[error("{0} was projected from another log than this one: see docs/operations/restore.md")]
    OtherLog(&'static str),
    /// An event can't be folded.
    #[error("event {position} of the log: {why}")]
    Unfoldable {
        /// Its place in the log.
        position: event_store::Position,
        /// What is wrong.
        why: String,
    },
    /// Events can't be applied.
    #[error("{projection}: {source}")]
    Apply {
        /// The projection.
        projection: &'static str,
        /// Why.
        source: ApplyError,
    },
    /// Rows and table do not fit together.
    #[error("the rows of {table} do not fit its table: {why}")]
    Shape {
        /// The table.
        table: &'static str,
        /// What does not fit.
        why: String,
    },
    /// The table could not be swapped, since queries hold it.
    #[error("{0} is held by a query that does not end, and was not swapped; nothing has changed")]
    Held(&'static str),
    /// A worker ended before its work.
    #[error("a worker of the rebuild broke: {0}")]
    Broken(String),
}

impl Error {
    /// Whether a database can't be reached now, and may be later.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Database(error)
            | Self::Apply {
                source: ApplyError::Database(error),
                ..
            } => is_away(error),
            Self::Personal(error) => error.is_away(),
            Self::Read(error) => error.is_away(),
            _ => false,
        }
    }

    pub(super) fn unfoldable(event: &RecordedEvent, why: &FoldError) -> Self {
        Self::Unfoldable {
            position: event.position,
            why: why.to_string(),
        }
    }

    pub(super) fn shape(projection: &Registered, why: impl ToString) -> Self {
        Self::Shape {
            table: projection.name,
            why: why.to_string(),
        }
    }
}
