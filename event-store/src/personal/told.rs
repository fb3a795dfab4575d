//! Personal data where it is told of and not opened: folded without keys, or shown as missing.

use std::borrow::Cow;

use super::Error;
use super::walk::{Holds, rewrite};

/// Why personal data is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Its key was destroyed.
    Erased,
    /// It was not opened.
    Sealed,
}

/// `payload` as an aggregate reads it when nothing personal is opened: the same as if all of it had
/// been erased.
///
/// # Errors
/// When `payload` is not JSON, or something in it is marked and not of its form.
pub fn closed(payload: &str) -> Result<Cow<'_, str>, Error> {
    rewrite(payload, |marked, out| {
        let person = marked.person;
        out.push_str(&format!(r#"{{"personal_of":"{person}","value":null}}"#));
        Ok(())
    })
}

/// `json` for people: where a personal value is null it says why, `"erased": true` say.
///
/// # Errors
/// As [`closed`].
pub fn told(json: &str, missing: Missing) -> Result<Cow<'_, str>, Error> {
    let why = match missing {
        Missing::Erased => "erased",
        Missing::Sealed => "sealed",
    };
    rewrite(json, |marked, out| {
        let person = marked.person;
        let held = match &marked.holds {
            Holds::Nothing => format!(r#""{why}":true"#),
            Holds::Value(value) => format!(r#""value":{value}"#),
            Holds::Sealed(text) => format!(r#""sealed":{}"#, serde_json::to_string(text)?),
        };
        out.push_str(&format!(r#"{{"personal_of":"{person}",{held}}}"#));
        Ok(())
    })
}
