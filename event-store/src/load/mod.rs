//! Loading streams: a snapshot where there is one, and the events since.

mod ask;
mod point;
mod reader;
pub(crate) mod snapshot;

use std::sync::Arc;

use domain::streams::{FoldError, Loaded, StreamId, StreamKind};

use crate::append::Mark;
use crate::log::Log;
use crate::personal;

pub(crate) use ask::{Ask, Found, Wanted};
pub(crate) use point::Point;
pub(crate) use reader::{Reader, start};

/// Why a stream can't be loaded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// The database is away.
    #[error("the log's database is away: {0}")]
    Away(String),
    /// The database refuses, or answers what can't be.
    #[error("the log's database: {0}")]
    Fault(String),
    /// A stored event can't be read.
    #[error(transparent)]
    Fold(Arc<FoldError>),
    /// Its personal data can't be opened.
    #[error(transparent)]
    Personal(Arc<personal::Error>),
    /// The stream has a hole, which an append can't make.
    #[error("event {sequence} of the stream {stream:?} is missing")]
    Hole {
        /// The stream.
        stream: StreamId,
        /// The event that should be there.
        sequence: u64,
    },
    /// The id is that of an aggregate of another type.
    #[error("the stream {stream:?} holds events of {found}")]
    Foreign {
        /// The stream.
        stream: StreamId,
        /// Whose events it holds.
        found: String,
    },
}

impl From<FoldError> for LoadError {
    fn from(error: FoldError) -> Self {
        Self::Fold(Arc::new(error))
    }
}

impl From<personal::Error> for LoadError {
    fn from(error: personal::Error) -> Self {
        match error.is_away() {
            true => Self::Away(error.to_string()),
            false => Self::Personal(Arc::new(error)),
        }
    }
}

impl Log {
    /// The state of `stream` as it is committed now, with where it stands in the log if it has any
    /// event.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub async fn load(
        &self,
        stream: StreamId,
        kind: StreamKind,
    ) -> Result<(Loaded, Option<Mark>), LoadError> {
        let wanted = Wanted::Stream {
            stream,
            kind,
            known: None,
        };
        match self.reader.find(wanted).await? {
            Found::Stream { point, .. } => Ok((point.loaded(&kind), point.mark)),
            Found::Key(_) => Err(LoadError::Fault("a key was found for a stream".to_owned())),
        }
    }
}
