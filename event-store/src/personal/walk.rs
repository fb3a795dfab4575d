//! Finding what is marked as personal in a payload, and putting something else in its place.
//!
//! It works on the text, so that what is not personal stays as it was, byte for byte.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::Error;

/// The member that marks an object as personal; `domain::personal::Personal` writes it.
const MARK: &str = "\"personal_of\"";

/// An object that is marked as personal.
pub(super) struct Marked<'a> {
    pub(super) person: Uuid,
    pub(super) holds: Holds<'a>,
    /// Where it stands, as a JSON pointer (RFC 6901).
    pub(super) path: &'a str,
}

/// What a marked object holds.
pub(super) enum Holds<'a> {
    /// A value in clear, as JSON.
    Value(&'a str),
    /// A ciphertext, in base64.
    Sealed(String),
    /// Null: it was erased.
    Nothing,
}

/// Whether `payload` may hold something personal. Quick, and never wrong when it says no.
pub fn mentions(payload: &str) -> bool {
    payload.contains(MARK)
}

/// `payload` with every marked object as `replace` writes it.
pub(super) fn rewrite<'a>(
    payload: &'a str,
    mut replace: impl FnMut(&Marked<'_>, &mut String) -> Result<(), Error>,
) -> Result<Cow<'a, str>, Error> {
    if !mentions(payload) {
        return Ok(Cow::Borrowed(payload));
    }
    let whole: &RawValue = serde_json::from_str(payload)?;
    let mut out = String::with_capacity(payload.len() + 128);
    walk(whole.get(), &mut String::new(), &mut out, &mut replace)?;
    Ok(Cow::Owned(out))
}

/// Gives `each` every marked object of `payload`.
fn each(payload: &str, mut each: impl FnMut(&Marked<'_>)) -> Result<(), Error> {
    rewrite(payload, |marked, _| {
        each(marked);
        Ok(())
    })?;
    Ok(())
}

/// The persons of the marked objects of `payload` that hold what is `wanted`, each once.
pub(super) fn persons(
    payload: &str,
    wanted: impl Fn(&Holds<'_>) -> bool,
) -> Result<Vec<Uuid>, Error> {
    let mut persons = Vec::new();
    each(payload, |marked| {
        if wanted(&marked.holds) {
            persons.push(marked.person);
        }
    })?;
    persons.sort_unstable();
    persons.dedup();
    Ok(persons)
}

type Replace<'r> = dyn FnMut(&Marked<'_>, &mut String) -> Result<(), Error> + 'r;

fn walk(
    json: &str,
    path: &mut String,
    out: &mut String,
    replace: &mut Replace<'_>,
) -> Result<(), Error> {
    match json.as_bytes().first() {
        Some(b'{') if mentions(json) => {
            let members: Members<'_> = serde_json::from_str(json)?;
            match members.marked(path)? {
                Some(marked) => replace(&marked, out),
                None => walk_object(&members, path, out, replace),
            }
        }
        Some(b'[') if mentions(json) => walk_array(json, path, out, replace),
        _ => {
            out.push_str(json);
            Ok(())
        }
    }
}

fn walk_object(
    members: &Members<'_>,
    path: &mut String,
    out: &mut String,
    replace: &mut Replace<'_>,
) -> Result<(), Error> {
    let here = path.len();
    let mut before = '{';
    for (name, value) in &members.0 {
        out.push(before);
        before = ',';
        out.push_str(&serde_json::to_string(name)?);
        out.push(':');
        path.push('/');
        path.push_str(&name.replace('~', "~0").replace('/', "~1"));
        walk(value.get(), path, out, replace)?;
        path.truncate(here);
    }
    out.push('}');
    Ok(())
}

fn walk_array(
    json: &str,
    path: &mut String,
    out: &mut String,
    replace: &mut Replace<'_>,
) -> Result<(), Error> {
    let here = path.len();
    let elements: Vec<&RawValue> = serde_json::from_str(json)?;
    let mut before = '[';
    for (index, element) in elements.iter().enumerate() {
        out.push(before);
        before = ',';
        path.push('/');
        path.push_str(&index.to_string());
        walk(element.get(), path, out, replace)?;
        path.truncate(here);
    }
    out.push(']');
    Ok(())
}

/// The members of an object in their order, their values as text.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// This object as a marked one, when it is marked. One that is marked and holds anything but
    /// one value is an error: it could be stored in clear otherwise.
    fn marked<'p>(&self, path: &'p str) -> Result<Option<Marked<'p>>, Error>
    where
        'a: 'p,
    {
        if !self.0.iter().any(|(name, _)| name == "personal_of") {
            return Ok(None);
        }
        let malformed = || Error::Malformed(path.to_owned());
        let [(mark, person), (name, held)] = self.0.as_slice() else {
            return Err(malformed());
        };
        if mark != "personal_of" {
            return Err(malformed());
        }
        let person = serde_json::from_str(person.get()).map_err(|_| malformed())?;
        let holds = match (name.as_str(), held.get()) {
            ("value", "null") => Holds::Nothing,
            ("value", value) => {
                // Within, it would be sealed with the key of the wrong person.
                let mut nested = false;
                each(value, |_| nested = true)?;
                if nested {
                    return Err(malformed());
                }
                Holds::Value(value)
            }
            ("sealed", text) => Holds::Sealed(serde_json::from_str(text).map_err(|_| malformed())?),
            _ => return Err(malformed()),
        };
        Ok(Some(Marked {
            person,
            holds,
            path,
        }))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(InOrder).map(Self)
    }
}
