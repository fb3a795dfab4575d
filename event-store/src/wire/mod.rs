//! A connection that speaks PostgreSQL's protocol (version 3) itself.
//!
//! The append path needs what no client library offers: statements and COPY data of one
//! transaction in one flight, and a second flight behind it before the first is answered. The
//! queries of the read API share flights. What is written here is that and no more; everything
//! else uses sqlx.

mod connect;
mod flight;
mod reply;
mod rows;
mod sign_in;
mod target;
mod tls;
mod transport;
mod verifier;

pub use connect::Connection;
pub use flight::{Flight, encode, time_of};
pub use reply::ServerError;
pub use rows::{Answer, Fields, Rows};
pub use target::Target;

pub(crate) use flight::Value;
pub(crate) use reply::{Reply, Row};

/// Why a connection is of no more use.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It broke, or could not be made.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// The server refused it, or a statement that every connection prepares.
    #[error("{0}")]
    Refused(ServerError),
    /// It took longer than it may.
    #[error("no connection within {0:?}")]
    TimedOut(std::time::Duration),
}

impl Error {
    pub(crate) fn invalid(why: impl Into<String>) -> Self {
        Self::Io(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            why.into(),
        ))
    }

    /// Whether it may go away by itself: the server is down, starting, or full.
    pub fn is_away(&self) -> bool {
        match self {
            Self::Io(_) | Self::TimedOut(_) => true,
            Self::Refused(error) => error.is_away(),
        }
    }
}
