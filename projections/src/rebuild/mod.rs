//! Rebuilding a table beside the live one.
//!
//! A shadow table is filled from the log as it is at one moment, stream by stream, by several
//! workers, or in the order of the log where its rows go across streams; gets its indexes; follows
//! the log; is compared with the live table as of one moment; and takes its place in one
//! transaction. The live table stays as the previous one, to go back to. What is killed on the way
//! leaves a shadow that the next rebuild begins anew.

mod anew;
mod compare;
mod error;
mod explain;
mod fill;
mod follow;
mod left;
mod lock;
mod past;
mod progress;
pub mod replay;
mod run;
mod sample;
mod shadow;
mod swap;

use event_store::personal::Keyring;
use sqlx::PgPool;

pub use compare::Difference;
pub use error::Error;
pub use explain::EventOf;
pub use left::{Tables, tables};
pub use progress::{Progress, Step};
pub use run::{Extent, Options, Outcome, drift, is_built, rebuild, rollback};

/// Where events come from and rows go to.
#[derive(Clone)]
pub struct Databases {
    /// That of the log.
    pub log: PgPool,
    /// That of the read tables.
    pub read: PgPool,
    /// What opens personal data.
    pub keyring: Keyring,
}
