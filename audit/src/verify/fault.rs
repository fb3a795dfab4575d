//! What may be wrong with a log.

use serde::Serialize;
use uuid::Uuid;

/// Something that is not as it was written, or that was never written so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// A position without an event.
    #[error("position {position}: the event is missing")]
    Missing {
        /// Where.
        position: u64,
    },
    /// Two events with one position.
    #[error("position {position}: there are several events")]
    Several {
        /// Where.
        position: u64,
    },
    /// Not the event that was written.
    #[error("position {position}: the event was altered{}", if *.rehashed { ", and its leaf hash made anew" } else { "" })]
    Altered {
        /// Where.
        position: u64,
        /// Whether the leaf hash beside it fits what it is now.
        rehashed: bool,
    },
    /// An event is gone, and the later ones took its place.
    #[error("position {position}: an event was removed, and the later ones renumbered")]
    Removed {
        /// Where.
        position: u64,
    },
    /// An event is too many, and the later ones made place for it.
    #[error("position {position}: an event was inserted, and the later ones renumbered")]
    Inserted {
        /// Where.
        position: u64,
    },
    /// An event that belongs elsewhere.
    #[error("position {position}: the event stands here that belongs to position {from}")]
    Moved {
        /// Where.
        position: u64,
        /// Where the tree has it.
        from: u64,
    },
    /// The event is the one that the tree has, the hash beside it is another.
    #[error("position {position}: the leaf hash beside the event was altered, the event is right")]
    LeafHash {
        /// Where.
        position: u64,
    },
    /// A stream has a gap, or an event too many.
    #[error(
        "position {position}: it is version {found} of stream {stream}, where {wanted} follows"
    )]
    Version {
        /// Where.
        position: u64,
        /// The stream.
        stream: Uuid,
        /// The version that follows.
        wanted: u64,
        /// The version that is there.
        found: i64,
    },
    /// It was recorded earlier than the one before.
    #[error("position {position}: it was recorded before the event at the position before")]
    Time {
        /// Where.
        position: u64,
    },
    /// A tile of the tree is not what its leaves give, while the events are those that were signed.
    #[error(
        "position {position}: the tree was altered (tile {index} of level {level}); the events are right"
    )]
    Tile {
        /// The first event that it covers and that it has otherwise.
        position: u64,
        /// Of the tile.
        level: u8,
        /// Of the tile.
        index: u64,
    },
    /// The log ends before something that was signed, or that the tree has.
    #[error("position {position}: the log ends here, but it had {had} events")]
    Ends {
        /// The last event that is there.
        position: u64,
        /// How many there were.
        had: u64,
    },
    /// Events, hashes and tree agree, and yet are not what was signed.
    #[error(
        "positions {position} to {size}: all was made anew: it contradicts the checkpoint of size {size} of {origin}"
    )]
    Checkpoint {
        /// The first event that no honoured checkpoint covers.
        position: u64,
        /// Of the checkpoint.
        size: u64,
        /// Of the checkpoint.
        origin: String,
    },
    /// A checkpoint that was published is not among those of the log.
    #[error(
        "position {position}: the published checkpoint of this size was taken out of the log's own"
    )]
    Withdrawn {
        /// Its size.
        position: u64,
    },
    /// A checkpoint that no trusted key has signed, or that can't be read.
    #[error("position {position}: the checkpoint of this size is not to be trusted: {why}")]
    Signature {
        /// Its size, as the table has it.
        position: u64,
        /// What is wrong with it.
        why: String,
    },
}

impl Fault {
    /// The first position that it is about.
    pub fn position(&self) -> u64 {
        match self {
            Self::Missing { position }
            | Self::Several { position }
            | Self::Altered { position, .. }
            | Self::Removed { position }
            | Self::Inserted { position }
            | Self::Moved { position, .. }
            | Self::LeafHash { position }
            | Self::Version { position, .. }
            | Self::Time { position }
            | Self::Tile { position, .. }
            | Self::Ends { position, .. }
            | Self::Checkpoint { position, .. }
            | Self::Withdrawn { position }
            | Self::Signature { position, .. } => *position,
        }
    }
}
