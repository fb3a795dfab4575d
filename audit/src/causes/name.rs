//! How an event is named.

use std::fmt;
use std::str::FromStr;

use event_store::Position;
use uuid::Uuid;

/// An event as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventName {
    /// By its place in the log.
    At(Position),
    /// By its own id.
    Id(Uuid),
}

/// What is asked for is no name of an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an event is named by its position, 1 or more, or by its id")]
pub struct Malformed;

impl FromStr for EventName {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        match text.parse::<Position>() {
            Ok(position) if position > 0 => Ok(Self::At(position)),
            Ok(_) => Err(Malformed),
            Err(_) => text.parse().map(Self::Id).map_err(|_| Malformed),
        }
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(position) => write!(f, "{position}"),
            Self::Id(id) => write!(f, "{id}"),
        }
    }
}
