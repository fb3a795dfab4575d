//! An event as a Kafka message: CloudEvents 1.0 in binary mode (Kafka protocol binding §3.2).
//!
//! Beyond the standard attributes each message carries its position and the position of the
//! message before it in the same topic partition (law 5).

mod headers;

use std::str::FromStr;

use rdkafka::message::{Headers, Message};
use uuid::Uuid;

pub use headers::headers;

use crate::recorded::{Position, RecordedEvent};

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
    let header = |name: &str| -> Result<&str, String> {
        let mut all = message.headers().into_iter().flat_map(Headers::iter);
        all.find(|header| header.key == name)
            .and_then(|header| std::str::from_utf8(header.value?).ok())
            .ok_or_else(|| format!("it has no header {name}"))
    };
    Ok(Relayed {
        epoch: parse(header("ce_epoch")?)?,
        previous: parse(header("ce_previous")?)?,
        event: RecordedEvent {
            position: parse(header("ce_position")?)?,
            event_id: parse(header("ce_id")?)?,
            aggregate_type: header("ce_aggregatetype")?.to_owned(),
            aggregate_id: parse(header("ce_subject")?)?,
            sequence: parse(header("ce_sequence")?)?,
            event_type: header("ce_type")?.to_owned(),
            event_version: header("ce_eventversion")?.to_owned(),
            payload: payload.to_owned(),
            metadata: header("ce_metadata")?.to_owned(),
            recorded_at: parse(header("ce_recordedat")?)?,
            occurred_at: parse(header("ce_time")?)?,
            partition: message.partition(),
        },
    })
}

fn parse<T: FromStr>(text: &str) -> Result<T, String>
where
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error| format!("{text}: {error}"))
}
