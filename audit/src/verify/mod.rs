//! Whether the log is what it was: every position, every stream, every hash, every checkpoint.
//!
//! One pass over the log. Events are hashed anew and compared with what stands beside them and with
//! the leaves of the tree; the tree is built anew and compared with its tiles and with every
//! checkpoint, those that outsiders kept included. Nothing in the database is trusted: what was
//! altered together with its hashes and tiles contradicts a checkpoint.

mod fault;
mod leaves;
mod pass;
mod places;
mod roots;
mod streams;

use event_store::tree;
use proofs::VerifierKey;
use serde::Serialize;
use sqlx::PgPool;
use uuid::Uuid;

pub use fault::Fault;

/// What is trusted: it comes from elsewhere than the database.
#[derive(Debug, Clone, Default)]
pub struct Trusted {
    /// Public keys of checkpoints. Checkpoints of logs none of them is of are compared, but their
    /// signatures are not checked.
    pub keys: Vec<VerifierKey>,
    /// Checkpoints that were published, as signed notes.
    pub published: Vec<String>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Which log it is.
    pub epoch: Uuid,
    /// The position of the last event that was looked at.
    pub head: u64,
    /// Leaves of the tree; what was appended since waits to be added.
    pub tree: u64,
    /// Checkpoints that the log honours, published ones included.
    pub honoured: u64,
    /// How many of them no key was given for.
    pub unsigned: u64,
    /// What is wrong, the first position first; at most a hundred.
    pub faults: Vec<Fault>,
    /// How many more there are.
    pub more: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Why it can't be told whether the log holds.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is away.
    #[error("the log's database: {0}")]
    Database(#[from] sqlx::Error),
    /// A row can't be read at all.
    #[error("reading the log: {0}")]
    Read(#[from] event_store::read::Error),
    /// The tiles can't be read.
    #[error(transparent)]
    Tree(#[from] tree::Error),
}

/// Looks at everything up to the log's end as it is now, and tells `progress` how many events of
/// how many it has seen. The log may grow meanwhile.
///
/// # Errors
/// When the log can't be read; what is wrong with it is no error.
pub async fn verify(
    log: &PgPool,
    trusted: &Trusted,
    progress: impl FnMut(u64, u64),
) -> Result<Report, Error> {
    // In this order: what was signed is in the tree by now, and what is in the tree is in the log.
    let checkpoints = roots::Roots::load(log, trusted).await?;
    let tree = tree::size(log).await?;
    let (epoch, head) = event_store::head(log).await?;
    let mut pass = pass::Pass::new(log.clone(), head.unsigned_abs(), tree, checkpoints);
    pass.run(progress).await?;
    Ok(pass.report(epoch))
}
