//! Where an event comes from, as the log has it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where an event comes from. What is not there was not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The account that asked.
    pub actor: Option<String>,
    /// The request that asked, or `policy <name>`.
    pub request_id: Option<String>,
    /// What the request belongs to.
    pub correlation_id: Option<String>,
    /// The request, or the event, that led to it.
    pub causation_id: Option<String>,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
    /// `"true"` when it is history that was imported.
    pub imported: Option<String>,
}

impl Metadata {
    /// The event that led to it, if it was an event.
    pub fn caused_by(&self) -> Option<Uuid> {
        match self.causation_id == self.request_id {
            true => None,
            false => self.causation_id.as_ref()?.parse().ok(),
        }
    }

    /// The policy or effect that did it, if it was one.
    pub fn policy(&self) -> Option<&str> {
        self.request_id.as_deref()?.strip_prefix("policy ")
    }
}
