//! Trees, tiles, notes and proof files, from outside.
#![allow(clippy::unwrap_used, missing_docs, reason = "a test may panic")]

mod checkpoint;
mod definition;
mod file;
mod note;
mod properties;
mod reference;
mod sizes;
mod tiles;
