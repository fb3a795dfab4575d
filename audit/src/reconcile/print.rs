//! What an event is as a message, part by part, in few bytes: so that a message can be compared with
//! an event that is not there any more.

use event_store::{RecordedEvent, message};
use foldhash::quality::RandomState;
use rdkafka::message::{Headers, Message};
use uuid::Uuid;

/// The headers that are the event's own. `ce_previous` is the relay's, `traceparent` the span's.
const HEADERS: [&str; 14] = [
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_subject",
    "ce_time",
    "content-type",
    "ce_aggregatetype",
    "ce_sequence",
    "ce_eventversion",
    "ce_recordedat",
    "ce_epoch",
    "ce_position",
    "ce_metadata",
];
const KEY: usize = HEADERS.len();
const PAYLOAD: usize = KEY + 1;
const PARTS: usize = PAYLOAD + 1;

/// A hash of each part of a message, keyed anew in each run: nobody can make two that are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Print([u32; PARTS]);

/// What makes prints.
#[derive(Debug, Clone, Default)]
pub(super) struct Printer(RandomState);

impl Printer {
    /// What the message of `event` is.
    pub(super) fn of_event<T: AsRef<str>>(&self, event: &RecordedEvent<T>, epoch: Uuid) -> Print {
        let headers = message::headers(event, epoch, 0);
        let key = event.aggregate_id.to_string();
        let payload = event.payload.as_ref();
        self.of(&headers, Some(key.as_bytes()), Some(payload.as_bytes()))
    }

    /// What `message` is.
    pub(super) fn of_message<M: Message>(&self, message: &M) -> Print {
        let (key, payload) = (message.key(), message.payload());
        match message.headers() {
            Some(headers) => self.of(headers, key, payload),
            None => self.of(&rdkafka::message::OwnedHeaders::new(), key, payload),
        }
    }

    fn of(&self, headers: &impl Headers, key: Option<&[u8]>, payload: Option<&[u8]>) -> Print {
        let mut parts = [self.part(None); PARTS];
        let mut seen = [false; PARTS];
        for header in headers.iter() {
            // Of several with one name the first one counts, as for those who project.
            if let Some(index) = HEADERS.iter().position(|name| *name == header.key)
                && !seen[index]
            {
                seen[index] = true;
                parts[index] = self.part(header.value);
            }
        }
        parts[KEY] = self.part(key);
        parts[PAYLOAD] = self.part(payload);
        Print(parts)
    }

    fn part(&self, bytes: Option<&[u8]>) -> u32 {
        use std::hash::BuildHasher as _;
        self.0.hash_one(bytes) as u32
    }
}

impl Print {
    /// The names of the parts in which they differ.
    pub(super) fn differs(&self, other: &Self) -> Vec<&'static str> {
        let names = HEADERS.into_iter().chain(["key", "payload"]);
        let pairs = self.0.iter().zip(&other.0);
        names
            .zip(pairs)
            .filter(|(_, (one, other))| one != other)
            .map(|(name, _)| name)
            .collect()
    }
}
