//! The tables of a projection: one that is live, and those that are not queried.
//!
//! Version 1 of a projection has its table in the schema `read`, a later version n in a schema of
//! its own, `<table>_v<n>`. So two versions of the program find their own tables by the same name,
//! through their search paths. A shadow and a previous table have the schema's name with a suffix.

use std::fmt;

use super::projection::Registered;

/// Which table of a projection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// The one that is queried and projected.
    Live,
    /// One that is being built.
    Shadow,
    /// The one that was live before.
    Previous,
}

impl Slot {
    /// As `watermarks` names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Shadow => "shadow",
            Self::Previous => "previous",
        }
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Registered {
    /// The schema of its table in `slot`.
    pub fn schema(&self, slot: Slot) -> String {
        let live = match self.version {
            1 => "read".to_owned(),
            version => format!("{}_v{version}", self.name),
        };
        match slot {
            Slot::Live => live,
            Slot::Shadow | Slot::Previous => format!("{live}_{slot}"),
        }
    }

    /// Its table in `slot`, with its schema.
    pub fn relation(&self, slot: Slot) -> String {
        format!("{}.{}", self.schema(slot), self.name)
    }
}

/// Where a session finds the live tables of `projections`, and what the runtime keeps of them.
pub fn search_path(projections: &[Registered]) -> String {
    let mut schemas: Vec<String> = projections
        .iter()
        .map(|one| one.schema(Slot::Live))
        .filter(|schema| schema != "read")
        .collect();
    schemas.push("read".to_owned());
    schemas.join(",")
}
