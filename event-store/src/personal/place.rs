//! Where a payload stands, which what is sealed in it is bound to.

use domain::streams::StreamId;
use uuid::Uuid;

use super::key::joined;
use crate::recorded::RecordedEvent;

/// Where a payload stands. What is sealed in it opens nowhere else: not in another stream, nor in
/// another event, nor in another member of the same one.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// `<context>.<aggregate>`.
    pub aggregate_type: &'a str,
    /// Whose payload.
    pub aggregate_id: Uuid,
    /// What it is: the event's type as stored, or a name of another kind of payload, `snapshot` say.
    pub name: &'a str,
}

impl<'a> Place<'a> {
    /// An event of `stream`, or another payload of it.
    pub fn in_stream(stream: StreamId, name: &'a str) -> Self {
        Self {
            aggregate_type: stream.aggregate_type,
            aggregate_id: stream.id,
            name,
        }
    }

    /// Where `event` stands.
    pub fn of<T: AsRef<str>>(event: &'a RecordedEvent<T>) -> Self {
        Self {
            aggregate_type: event.aggregate_type.as_ref(),
            aggregate_id: event.aggregate_id,
            name: event.event_type.as_ref(),
        }
    }

    /// What a ciphertext of `person` at the JSON pointer `path` of this payload is bound to.
    pub(super) fn bound_to(&self, person: Uuid, path: &str) -> Vec<u8> {
        joined(&[
            b"comptoir personal data",
            person.as_bytes(),
            self.aggregate_type.as_bytes(),
            self.aggregate_id.as_bytes(),
            self.name.as_bytes(),
            path.as_bytes(),
        ])
    }

    pub(super) fn told(&self, path: &str) -> String {
        let Self {
            aggregate_type,
            aggregate_id,
            name,
        } = self;
        format!("{path} of {name} of {aggregate_type} {aggregate_id}")
    }
}
