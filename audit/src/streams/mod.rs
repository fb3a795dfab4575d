//! One stream: what happened in it, and how its aggregate stood at any time.

mod error;
mod history;
mod metadata;
mod name;
mod pages;
mod state;

pub use error::Error;
pub use history::{Entry, History};
pub use metadata::Metadata;
pub use name::{Malformed, Stream, StreamName};
pub use state::{At, Standing, at};
