//! The problems that failed queries are.

use std::sync::Arc;

use event_store::wire;
use service_kit::problem::Problem;

use super::row::Unreadable;

/// Why a query has no rows.
#[derive(Debug, Clone)]
pub(super) enum Error {
    /// The database can't be reached now.
    Away(Arc<wire::Error>),
    /// Nobody was there to ask it in time.
    Busy,
    /// The database refuses it.
    Refused(wire::ServerError),
}

impl Error {
    pub(super) fn of(error: wire::Error) -> Self {
        match error {
            wire::Error::Refused(refusal) if !refusal.is_away() => Self::Refused(refusal),
            error => Self::Away(Arc::new(error)),
        }
    }

    pub(super) fn is_of_a_missing_table(&self) -> bool {
        match self {
            Self::Refused(refusal) => MISSING.contains(&refusal.code.as_str()),
            _ => false,
        }
    }
}

/// There is no such table, or no such schema.
const MISSING: [&str; 2] = ["42P01", "3F000"];
/// A statement took longer than it may.
const CANCELED: &str = "57014";

pub(super) fn problem(error: Error) -> Problem {
    let away = |why: &dyn std::fmt::Display| {
        tracing::warn!(error = %why, "the read database is away");
        crate::away()
    };
    match error {
        Error::Away(error) => away(&error),
        Error::Busy => away(&"every connection is busy"),
        Error::Refused(refusal) if refusal.code == CANCELED => {
            tracing::warn!(error = %refusal, "a query took too long");
            Problem::unavailable("timed-out", "the query took too long", 1)
        }
        // Data exceptions: a value that PostgreSQL has no room for, such as a date before 4713 BC.
        Error::Refused(refusal) if refusal.code.starts_with("22") => {
            Problem::malformed("a parameter is out of range")
        }
        Error::Refused(refusal) => Problem::fault("the read database refused", &refusal),
    }
}

pub(super) fn unreadable(error: Unreadable) -> Problem {
    Problem::fault("a row can't be read", &error)
}
