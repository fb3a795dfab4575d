//! An event as a Kafka message: CloudEvents 1.0 in binary mode (Kafka protocol binding §3.2).
//!
//! Beyond the standard attributes each message carries its position and the position of the
//! message before it in the same topic partition (law 5).

mod headers;
mod text;

use std::str::FromStr;

use chrono::{DateTime, Utc};
use rdkafka::message::{Headers, Message};
use uuid::Uuid;

pub use headers::headers;
pub(crate) use headers::headers_below;
pub use text::Text;

use crate::recorded::{Position, RecordedEvent};
use crate::trace::{TRACEPARENT, is_sampled};

/// The topic of `context`: `comptoir.hotels` with the prefix `comptoir`.
pub fn topic(prefix: &str, context: &str, generation: i32) -> String {
    match generation {
        1 => format!("{prefix}.{context}"),
        _ => format!("{prefix}.{context}.g{generation}"),
    }
}

/// An event that came by Kafka.
#[derive(Debug, Clone, PartialEq)]
pub struct Relayed {
    /// The log that it comes from.
    pub epoch: Uuid,
    /// The position of the message before it in its topic partition, 0 when it is the first.
    pub previous: Position,
    /// The `traceparent` of the span that sent it, if its trace is sampled.
    pub trace: Option<Box<str>>,
    /// The event.
    pub event: RecordedEvent,
}

/// A message that is not one of the relay's.
#[derive(Debug, thiserror::Error)]
#[error("offset {offset} of {topic}[{partition}] is not a message of the relay: {why}")]
pub struct UnreadableMessage {
    topic: String,
    partition: i32,
    offset: i64,
    why: String,
}

/// Reads a message of the relay.
///
/// # Errors
/// When a header is missing or the body is not text.
pub fn read(message: &impl Message) -> Result<Relayed, UnreadableMessage> {
    let unreadable = |why: String| UnreadableMessage {
        topic: message.topic().to_owned(),
        partition: message.partition(),
        offset: message.offset(),
        why,
    };
    let payload = message
        .payload()
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .ok_or_else(|| unreadable("its body is not text".to_owned()))?;
    relayed(message, payload).map_err(unreadable)
}

fn relayed(message: &impl Message, payload: &str) -> Result<Relayed, String> {
    let found = Found::in_headers(message);
    Ok(Relayed {
        epoch: parse(found.get(0)?)?,
        previous: parse(found.get(1)?)?,
        trace: found.trace().map(Box::from),
        event: RecordedEvent {
            position: parse(found.get(2)?)?,
            event_id: parse(found.get(3)?)?,
            aggregate_type: found.get(4)?.to_owned(),
            aggregate_id: parse(found.get(5)?)?,
            sequence: parse(found.get(6)?)?,
            event_type: found.get(7)?.to_owned(),
            event_version: found.get(8)?.to_owned(),
            payload: payload.to_owned(),
            metadata: found.get(9)?.to_owned(),
            recorded_at: time(found.get(10)?)?,
            occurred_at: time(found.get(11)?)?,
            partition: message.partition(),
        },
    })
}

/// The headers that an event is read from.
const READ: [&str; 13] = [
    "ce_epoch",
    "ce_previous",
    "ce_position",
    "ce_id",
    "ce_aggregatetype",
    "ce_subject",
    "ce_sequence",
    "ce_type",
    "ce_eventversion",
    "ce_metadata",
    "ce_recordedat",
    "ce_time",
    TRACEPARENT,
];

/// The values of [`READ`] in a message, found in one pass over its headers.
struct Found<'m>([Option<&'m str>; READ.len()]);

impl<'m> Found<'m> {
    fn in_headers(message: &'m impl Message) -> Self {
        let mut values = [None; READ.len()];
        for header in message.headers().into_iter().flat_map(Headers::iter) {
            if let Some(index) = READ.iter().position(|name| *name == header.key)
                && values[index].is_none()
            {
                values[index] = header.value.and_then(|v| std::str::from_utf8(v).ok());
            }
        }
        Self(values)
    }

    /// The `traceparent`, if its trace is sampled; few messages have one.
    fn trace(&self) -> Option<&'m str> {
        self.0[READ.len() - 1].filter(|traceparent| is_sampled(traceparent))
    }

    fn get(&self, index: usize) -> Result<&'m str, String> {
        self.0[index].ok_or_else(|| format!("it has no header {}", READ[index]))
    }
}

fn parse<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| format!("{text}: {error}"))
}

fn time(text: &str) -> Result<DateTime<Utc>, String> {
    let time = DateTime::parse_from_rfc3339(text);
    time.map(|time| time.to_utc())
        .map_err(|error| format!("{text}: {error}"))
}
