//! What is wrong with an export.

use serde::Serialize;

/// Something that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The line in it, uncompressed, from 1; none when it is about the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// What it is, in a sentence.
    pub what: String,
}

/// Everything that is wrong: the first ones, and how many there are.
#[derive(Debug, Default, Serialize)]
pub struct Faults {
    /// The first ones.
    pub first: Vec<Fault>,
    /// How many there are in all.
    pub count: u64,
    #[serde(skip)]
    most: usize,
}

impl Faults {
    /// None yet; at most so many are kept.
    pub(super) fn at_most(most: usize) -> Self {
        Self {
            most,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, file: &str, line: Option<u64>, what: impl Into<String>) {
        self.count += 1;
        if self.first.len() < self.most {
            self.first.push(Fault {
                file: file.to_owned(),
                line,
                what: what.into(),
            });
        }
    }
}
