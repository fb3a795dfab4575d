//! A table as it stood: the log up to a past moment, folded into a scratch schema by the same code as
//! a rebuild.
//!
//! A schema holds one table, under its own name, and says in a comment what it is. The live table,
//! its watermarks and what it has parked are not touched. What is personal is marked in the copy as
//! in the original, so an erasure empties it too.

mod error;
mod fold;
mod in_order;
mod marker;
mod run;
mod schema;
mod streams;

pub use error::Error;
pub use marker::{Listed, Marker, State, complete, list};
pub use run::{Asked, LeftOut, Outcome, drop, replay};
pub use schema::Schema;
pub use streams::rows;

pub(crate) use marker::schemas;
