//! The marker for personal data in event types.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A value about a person: in JSON `{"personal_of": <person>, "value": …}`, by which the log finds
/// it. What is stored instead is `{"personal_of": <person>, "sealed": …}`, encrypted with a key of
/// the person; whoever reads the event gets the value, or null once the key was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Personal<T> {
    /// The account of the person whom the value is about.
    pub personal_of: Uuid,
    /// The value, until it is erased.
    pub value: Option<T>,
}

impl<T> Personal<T> {
    /// A value about `person`.
    pub fn new(person: Uuid, value: T) -> Self {
        Self {
            personal_of: person,
            value: Some(value),
        }
    }
}
