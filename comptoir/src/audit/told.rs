//! What is said when there is no answer: that is found out, or the question can't be answered.

use audit::streams::Error;

use super::Found;

/// A stream that is not there, or not the only one of its name, is told; anything else is an error.
pub(super) fn missing(error: Error) -> anyhow::Result<Found> {
    match error {
        Error::Unknown(_) | Error::Ambiguous { .. } => Ok(wrong(&format!("{error}."))),
        error => Err(error.into()),
    }
}

/// Says what is wrong, beside what is printed for programs.
pub(super) fn wrong(sentence: &str) -> Found {
    let mut characters = sentence.chars();
    let first = characters
        .next()
        .map(|first| first.to_uppercase().to_string());
    eprintln!("{}{}", first.unwrap_or_default(), characters.as_str());
    Found::Wrong
}
