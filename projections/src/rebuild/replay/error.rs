//! Why a table can't be replayed.

use crate::rebuild;

/// Why a table can't be replayed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The fold failed, or a database.
    #[error(transparent)]
    Rebuild(#[from] rebuild::Error),
    /// No replay may be called so.
    #[error(
        "{0:?} is no name for a replay: small letters, digits and _, at most 63, not a digit first, \
         and not as the schemas of Comptoir or of PostgreSQL are called"
    )]
    Name(String),
    /// Something else is in the schema.
    #[error("the schema {0} is no replay, and is left as it is")]
    NotAReplay(String),
    /// Two at once.
    #[error("{0} is being replayed, or dropped, by somebody else")]
    Held(String),
    /// Nothing to drop.
    #[error("there is no replay {0}")]
    Unknown(String),
    /// The moment is of another log.
    #[error("the log is another one than a moment ago")]
    OtherLog,
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Rebuild(error.into())
    }
}
