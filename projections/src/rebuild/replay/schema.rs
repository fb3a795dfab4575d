//! The names of the schemas that replays are in.

use std::fmt;

use event_store::Position;

use super::Error;
use crate::runtime::Registered;

/// The most bytes of a name that PostgreSQL keeps.
const LONGEST: usize = 63;
/// What the usual names begin with. No other schema is called so.
const USUAL: &str = "as_of_";

/// The name of a schema that a replay may have. It is shown as SQL takes it, in quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema(String);

impl Schema {
    /// The name as it was told.
    ///
    /// # Errors
    /// When a schema that is no replay has it, or may have it some day.
    pub fn parse(name: &str) -> Result<Self, Error> {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        let begins = name.bytes().next().is_some_and(letter);
        let plain = name
            .bytes()
            .all(|byte| letter(byte) || byte.is_ascii_digit());
        match begins && plain && name.len() <= LONGEST && !is_of_others(name) {
            true => Ok(Self(name.to_owned())),
            false => Err(Error::Name(name.to_owned())),
        }
    }

    /// What a replay of `projection` is called unless told otherwise.
    pub fn usual(projection: &Registered, position: Position) -> Self {
        let Registered { name, version, .. } = projection;
        Self(match version {
            1 => format!("{USUAL}{position}_{name}"),
            version => format!("{USUAL}{position}_{name}_v{version}"),
        })
    }

    /// The name itself.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The table of `projection` in this schema, as SQL takes it.
    pub fn relation(&self, projection: &str) -> String {
        format!("{self}.{projection}")
    }
}

impl fmt::Display for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// Whether PostgreSQL, the log or live tables of any version may have a schema of this name
/// ([`Registered::schema`]).
fn is_of_others(name: &str) -> bool {
    let live = ["_shadow", "_previous"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name);
    let version = live.rsplit_once("_v").map(|(_, version)| version);
    let versioned = version.is_some_and(|version| {
        !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit())
    });
    let known = ["read", "log", "public", "information_schema"];
    name.starts_with("pg_") || known.contains(&live) || (versioned && !name.starts_with(USUAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_has_a_plain_name_that_is_nobody_elses() {
        for name in [
            "as_of_12_hotels",
            "as_of_12_nights_v2",
            "audit",
            "_x9",
            "select",
        ] {
            assert!(Schema::parse(name).is_ok(), "{name}");
        }
        let long = "a".repeat(64);
        for name in [
            "",
            "9x",
            "Audit",
            "a b",
            "a\"b",
            "a;b",
            "é",
            "read",
            "read_shadow",
            "read_previous",
            "log",
            "public",
            "pg_temp",
            "information_schema",
            "nights_v2",
            "nights_v2_shadow",
            &long,
        ] {
            assert!(Schema::parse(name).is_err(), "{name}");
        }
    }
}
