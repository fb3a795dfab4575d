//! What people tell of themselves.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::account::Rejection;
use crate::personal::Personal;

/// What people tell of themselves, all of it personal; none is what they do not tell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Their first name.
    pub first_name: Option<Personal<String>>,
    /// Their last name.
    pub last_name: Option<Personal<String>>,
    /// Where they can be called.
    pub phone: Option<Personal<String>>,
    /// Where they live.
    pub address: Option<Personal<String>>,
    /// Their gender, in their own word.
    pub gender: Option<Personal<String>>,
    /// What they say of themselves.
    pub bio: Option<Personal<String>>,
}

/// The same as somebody typed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Their first name.
    pub first_name: Option<String>,
    /// Their last name.
    pub last_name: Option<String>,
    /// Where they can be called.
    pub phone: Option<String>,
    /// Where they live, on several lines.
    pub address: Option<String>,
    /// Their gender, in their own word.
    pub gender: Option<String>,
    /// What they say of themselves, on several lines.
    pub bio: Option<String>,
}

/// The longest line, in characters.
pub const MAX_LINE: usize = 100;
/// The longest text of several lines, in characters.
pub const MAX_TEXT: usize = 2_000;

impl Told {
    /// The profile of `person`. What is blank is not told.
    ///
    /// # Errors
    /// [`Rejection::Profile`] with the pointer to what is too long, or can't be shown.
    pub fn of(self, person: Uuid) -> Result<Profile, Rejection> {
        let line = |text, pointer| kept(person, text, pointer, MAX_LINE, false);
        let lines = |text, pointer| kept(person, text, pointer, MAX_TEXT, true);
        Ok(Profile {
            first_name: line(self.first_name, "/first_name")?,
            last_name: line(self.last_name, "/last_name")?,
            phone: line(self.phone, "/phone")?,
            address: lines(self.address, "/address")?,
            gender: line(self.gender, "/gender")?,
            bio: lines(self.bio, "/bio")?,
        })
    }
}

fn kept(
    person: Uuid,
    text: Option<String>,
    pointer: &'static str,
    most: usize,
    lines: bool,
) -> Result<Option<Personal<String>>, Rejection> {
    let Some(text) = text else { return Ok(None) };
    let text = text.trim();
    let shown = |c: char| !c.is_control() || (lines && matches!(c, '\n' | '\r' | '\t'));
    if text.chars().count() > most || !text.chars().all(shown) {
        return Err(Rejection::Profile(pointer));
    }
    Ok((!text.is_empty()).then(|| Personal::new(person, text.to_owned())))
}
