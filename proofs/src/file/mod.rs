//! Proof files, and what they prove.

mod check;
mod format;

pub use check::{CheckError, Verdict, check};
pub use format::{ConsistencyProof, InclusionProof, LeafInput, Proof};
