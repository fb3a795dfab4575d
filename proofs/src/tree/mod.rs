//! The tree of RFC 9162 §2.1: nodes, roots, paths, and their verification.

pub(crate) mod frontier;
pub(crate) mod node;
pub(crate) mod prove;
pub(crate) mod ranges;
pub(crate) mod verify;
