//! Events as a source delivers them.

use event_store::personal::mentions;
use event_store::{Position, RecordedEvent};
use uuid::Uuid;

/// An event as a source delivers it.
#[derive(Debug)]
pub(crate) struct Delivered {
    /// The log that it comes from.
    pub(crate) epoch: Uuid,
    /// How it came by Kafka; none when it was read from the log itself, which has no holes.
    pub(super) message: Option<ByKafka>,
    /// The `traceparent` of the message, if its trace is sampled.
    pub(super) trace: Option<Box<str>>,
    /// The event.
    pub(crate) event: RecordedEvent,
    /// Why its personal data can't be opened.
    pub(crate) closed: Option<String>,
}

/// What Kafka says of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct ByKafka {
    /// The position of the message before it in its topic partition.
    pub(super) previous: Position,
    /// Where to read on after it.
    pub(super) next_offset: i64,
    /// The claim to its partition under which it was read.
    pub(super) claim: i64,
}

impl Delivered {
    /// One that was read from the log itself.
    pub(crate) fn from_log(epoch: Uuid, event: RecordedEvent) -> Self {
        Self {
            epoch,
            message: None,
            trace: None,
            event,
            closed: None,
        }
    }

    /// Its topic partition.
    pub(super) fn place(&self) -> Place {
        Place {
            context: self.event.context().to_owned(),
            partition: self.event.partition,
        }
    }

    /// About how many bytes of memory it takes.
    pub(super) fn weight(&self) -> usize {
        size_of::<Self>() + self.event.payload.len() + self.event.metadata.len()
    }
}

/// A topic partition, by its context.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) context: String,
    pub(super) partition: i32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.context, self.partition)
    }
}

/// Events of one topic partition, in order.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batch<'a> {
    pub(super) place: &'a Place,
    /// The claim that they came under; none when no group shares the partition out.
    pub(super) claim: Option<i64>,
    pub(super) events: &'a [Delivered],
}

/// What an operator is told about `event`, which failed. The text of an error may quote the event,
/// so where there is personal data in it only the `kind` of the error is told.
pub(super) fn told(event: &RecordedEvent, kind: &str, error: &dyn std::fmt::Display) -> String {
    match mentions(&event.payload) {
        true => format!("{kind} (more is not told of an event with personal data)"),
        false => format!("{kind}: {error}"),
    }
}
