//! What became of a step.

use serde::{Deserialize, Serialize};

/// What became of a step. As text: `accepted`, `not-sent`, or the code of the refusal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Outcome {
    /// It was carried out.
    Accepted,
    /// A rule stood against it; the last part of the problem's type.
    Refused(String),
    /// Its booking was refused, so there was nothing to send it to.
    NotSent,
}

impl Outcome {
    /// A refusal with this code.
    pub fn refused(code: &str) -> Self {
        Self::Refused(code.to_owned())
    }
}

impl From<String> for Outcome {
    fn from(text: String) -> Self {
        match text.as_str() {
            "accepted" => Self::Accepted,
            "not-sent" => Self::NotSent,
            _ => Self::Refused(text),
        }
    }
}

impl From<Outcome> for String {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted => "accepted".to_owned(),
            Outcome::NotSent => "not-sent".to_owned(),
            Outcome::Refused(code) => code,
        }
    }
}
