//! The marker for personal data in event types.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A value about a person, marked so that the log can keep it apart from the rest of the event:
/// stored as `{"personal_of": <person>, "value": …}`. `value` is none once it was erased.
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
