//! Why something could not be done now, and why a worker gives up altogether.

use event_store::append::{AppendError, ExecuteError};
use event_store::database::is_away;
use event_store::load::LoadError;
use event_store::{personal, read, seen};

/// Why something could not be done now.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// What it needs is away: it is waited for, as long as it takes.
    #[error("{0}")]
    Away(String),
    /// It fails for itself: it is tried some times more, then parked for an operator.
    #[error("{0}")]
    Fault(String),
    /// Nothing can be done right here.
    #[error("{0}")]
    Fatal(String),
}

/// Why a worker gave up. What is merely away is waited for, and is none of these.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log's database refuses.
    #[error("the workers' database: {0}")]
    Database(#[from] sqlx::Error),
    /// The log can't be read on.
    #[error("the workers: {0}")]
    Read(#[from] read::Error),
    /// The log is not the one that the policies know.
    #[error(transparent)]
    Restored(#[from] seen::Error),
    /// Two of them have one name.
    #[error("two policies or effects are named {0}")]
    Named(&'static str),
    /// Nothing can be done here.
    #[error("the workers: {0}")]
    Fatal(String),
}

impl Error {
    /// Whether a database can't be reached now, and may be later.
    pub(super) fn is_away(&self) -> bool {
        match self {
            Self::Database(error) => is_away(error),
            Self::Read(error) => error.is_away(),
            Self::Restored(error) => error.is_away(),
            Self::Named(_) | Self::Fatal(_) => false,
        }
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        match is_away(&error) {
            true => Self::Away(error.to_string()),
            false => Self::Fault(error.to_string()),
        }
    }
}

impl From<personal::Error> for Failure {
    fn from(error: personal::Error) -> Self {
        match &error {
            error if error.is_away() => Self::Away(error.to_string()),
            error if error.is_of_an_event() => Self::Fault(error.to_string()),
            error => Self::Fatal(error.to_string()),
        }
    }
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match &error {
            LoadError::Away(why) => Self::Away(why.clone()),
            LoadError::Personal(why) if !why.is_of_an_event() => Self::Fatal(why.to_string()),
            error => Self::Fault(error.to_string()),
        }
    }
}

impl From<ExecuteError<String>> for Failure {
    fn from(error: ExecuteError<String>) -> Self {
        match error {
            ExecuteError::Refused(why) => Self::Fault(why),
            ExecuteError::Load(error) => error.into(),
            ExecuteError::Append(
                error @ (AppendError::Away(_) | AppendError::Unknown | AppendError::Busy),
            ) => Self::Away(error.to_string()),
            ExecuteError::Append(error) => Self::Fault(error.to_string()),
        }
    }
}
