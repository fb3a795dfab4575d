//! What can go wrong with the tree.

use proofs::{CheckpointError, KeyError, Missing, NoteError, ProveError, ResumeError, TileError};

/// Why the tree can't be added to, signed or proved from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log's database is away, or refuses.
    #[error("the log's database: {0}")]
    Database(#[from] sqlx::Error),
    /// Positions are not dense.
    #[error("the log has no event after position {0}, but later ones")]
    Hole(u64),
    /// The end of the log is gone.
    #[error("the tree has {size} leaves and the log only {head} events")]
    Shorter {
        /// Leaves of the tree.
        size: u64,
        /// The position of the last event.
        head: u64,
    },
    /// A leaf hash is not one.
    #[error("a leaf hash after position {0} has not 32 bytes")]
    Leaf(u64),
    /// A tile is not as the tree of its size has it.
    #[error("the tiles can't be gone on from: {0}")]
    Resume(#[from] ResumeError),
    /// Its bytes are none of a tile.
    #[error("a tile can't be read: {0}")]
    Tile(#[from] TileError),
    /// A tile is not there.
    #[error("the tiles are not complete: {0}")]
    Missing(#[from] Missing),
    /// No such proof.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The tiles are not those of a checkpoint that was signed.
    #[error(
        "the tree of size {size} is not the one that was signed as {origin}: `comptoir audit verify` tells what was altered"
    )]
    Contradiction {
        /// Of the checkpoint.
        size: u64,
        /// Of the checkpoint.
        origin: String,
    },
    /// A checkpoint can't be made, or one that was made can't be read.
    #[error("a checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A note can't be read.
    #[error("a checkpoint: {0}")]
    Note(#[from] NoteError),
    /// A key is none for notes.
    #[error("the checkpoint key: {0}")]
    Key(#[from] KeyError),
    /// No event there.
    #[error("the log has no event at position {0}")]
    NoEvent(i64),
    /// Nothing was signed yet that covers it.
    #[error("no checkpoint covers position {0} yet: `comptoir audit checkpoint` signs one at once")]
    NotCovered(i64),
    /// Nothing was signed of that size.
    #[error(
        "no checkpoint was signed of size {0}: `comptoir audit checkpoints` lists those there are"
    )]
    NoCheckpoint(u64),
    /// A folder of checkpoints.
    #[error("publishing a checkpoint to {place}: {source}")]
    Folder {
        /// The file.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A topic of checkpoints.
    #[error("publishing a checkpoint to Kafka: {0}")]
    Kafka(#[from] rdkafka::error::KafkaError),
}

impl Error {
    /// Whether it is the answer to a question: there is no such proof, and nothing failed.
    pub fn is_answer(&self) -> bool {
        matches!(
            self,
            Self::NoEvent(_) | Self::NotCovered(_) | Self::NoCheckpoint(_) | Self::Prove(_)
        )
    }

    /// Whether what was stored speaks against itself: waiting does not help, and nothing is signed.
    pub fn is_of_what_is_stored(&self) -> bool {
        matches!(
            self,
            Self::Hole(_)
                | Self::Shorter { .. }
                | Self::Leaf(_)
                | Self::Resume(_)
                | Self::Tile(_)
                | Self::Missing(_)
                | Self::Contradiction { .. }
                | Self::Note(_)
                | Self::Checkpoint(_)
        )
    }
}
