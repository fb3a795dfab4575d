//! What a command comes from: the event, and the request behind it.

use event_store::RecordedEvent;
use event_store::append::Metadata;
use serde::Deserialize;
use uuid::Uuid;

/// Where a reaction comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The event that it follows from.
    pub event_id: Uuid,
    /// What that event's request belonged to.
    pub correlation_id: String,
    /// W3C trace context of that request, if it had one.
    pub traceparent: Option<String>,
}

/// What is read of an event's metadata.
#[derive(Deserialize)]
struct Stored {
    #[serde(default)]
    correlation_id: String,
    traceparent: Option<String>,
    imported: Option<String>,
}

impl Cause {
    /// Of `event`; and whether it is history that was imported.
    ///
    /// # Errors
    /// When its metadata is not of its form.
    pub(super) fn of(event: &RecordedEvent) -> Result<(Self, bool), serde_json::Error> {
        let stored: Stored = serde_json::from_str(&event.metadata)?;
        let cause = Self {
            event_id: event.event_id,
            correlation_id: stored.correlation_id,
            traceparent: stored.traceparent,
        };
        Ok((cause, stored.imported.is_some()))
    }

    /// The metadata of what `policy` does for it. Nobody signed in asked for it.
    pub fn metadata(&self, policy: &str) -> Metadata {
        Metadata {
            actor: None,
            request_id: format!("policy {policy}"),
            correlation_id: self.correlation_id.clone(),
            causation_id: self.event_id.to_string(),
            traceparent: self.traceparent.clone(),
            imported: false,
        }
    }
}
