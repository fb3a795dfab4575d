//! Why the log can't be read on.

use crate::recorded::Position;
use crate::{personal, wire};

/// Why the log can't be read on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away, or went away meanwhile. A reader that is asked again goes on from the
    /// last event that it gave.
    #[error("the log's database is away: {0}")]
    Away(String),
    /// The database refuses, or sends what can't be.
    #[error("the log's database: {0}")]
    Fault(String),
    /// Events are missing, which law 1 rules out.
    #[error("the log has a hole: the event after {after} is that at {found}")]
    Hole {
        /// The last position before the hole.
        after: Position,
        /// The position that came next.
        found: Position,
    },
    /// Personal data can't be opened.
    #[error(transparent)]
    Personal(#[from] personal::Error),
}

impl Error {
    /// Whether a database can't be reached now, and may be later.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Personal(error) => error.is_away(),
            Self::Fault(_) | Self::Hole { .. } => false,
        }
    }
}

impl From<wire::Error> for Error {
    fn from(error: wire::Error) -> Self {
        match error.is_away() {
            true => Self::Away(error.to_string()),
            false => Self::Fault(error.to_string()),
        }
    }
}
