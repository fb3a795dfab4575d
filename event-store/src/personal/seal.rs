//! Sealing: personal data in clear → ciphertext.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use uuid::Uuid;

use super::walk::{Holds, persons, rewrite};
use super::{Error, Keys, Place};

/// The persons whose data stand in clear in `payload`: those whose keys [`seal_with`] needs.
///
/// # Errors
/// When `payload` is not JSON, or something in it is marked and not of its form.
pub fn persons_to_seal(payload: &str) -> Result<Vec<Uuid>, Error> {
    persons(payload, |holds| matches!(holds, Holds::Value(_)))
}

/// `payload` as it is stored: `{"personal_of", "value"}` has become `{"personal_of", "sealed"}`.
/// What is null stays so, and so does what is sealed already.
///
/// # Errors
/// [`Error::Erased`] when a person's key was destroyed; and as [`persons_to_seal`].
pub fn seal_with<'a>(
    keys: &Keys,
    place: &Place<'_>,
    payload: &'a str,
) -> Result<Cow<'a, str>, Error> {
    rewrite(payload, |marked, out| {
        let person = marked.person;
        let sealed = match &marked.holds {
            Holds::Nothing => {
                out.push_str(&format!(r#"{{"personal_of":"{person}","value":null}}"#));
                return Ok(());
            }
            Holds::Sealed(text) => text.clone(),
            Holds::Value(value) => {
                let key = keys.get(person)?.ok_or(Error::Erased(person))?;
                let bound_to = place.bound_to(person, marked.path);
                STANDARD.encode(key.seal(&bound_to, value.as_bytes())?)
            }
        };
        out.push_str(&format!(
            r#"{{"personal_of":"{person}","sealed":"{sealed}"}}"#
        ));
        Ok(())
    })
}
