//! What the reader is asked, and what it finds.

use domain::streams::{StreamId, StreamKind};
use uuid::Uuid;

use super::{LoadError, Point};
use crate::idempotency::Stored;
use crate::recorded::Position;

/// A question, and who hears the answer.
pub(crate) struct Ask {
    pub(crate) wanted: Wanted,
    pub(crate) answer: Box<dyn FnOnce(Result<Found, LoadError>) + Send>,
}

pub(crate) enum Wanted {
    /// A stream; from `known` on where part of it is known.
    Stream {
        stream: StreamId,
        kind: StreamKind,
        known: Option<Point>,
    },
    /// The answer that was stored under a key.
    Key { id: Uuid },
}

impl Wanted {
    /// Asks for the whole stream, from its first event.
    pub(crate) fn forget_snapshot(&mut self) {
        if let Self::Stream { kind, known, .. } = self {
            *known = Some(Point::empty(kind));
        }
    }
}

pub(crate) enum Found {
    /// A stream as it was when the log ended at `as_of`, after so many events were `folded`.
    Stream {
        point: Point,
        as_of: Position,
        folded: usize,
    },
    /// The answer that was stored, if any.
    Key(Option<Stored>),
}
