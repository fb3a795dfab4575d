//! The Merkle tree over the log: kept beside the append, signed at intervals, and proofs from it.
//!
//! Leaf `i` is the event at position `i + 1`. Workers add the leaf hashes of what was appended to
//! the tiles, sign the root, and hand the checkpoint to whoever is to hold us to it.

mod error;
mod grow;
mod keys;
mod prove;
mod publish;
mod run;
mod sign;
mod store;

pub use error::Error;
pub use grow::{Grower, Grown};
pub use keys::{CheckpointKeys, ParseError};
pub use prove::{consistency, inclusion};
pub use publish::{Sink, publish};
pub use run::{Options, run};
pub use sign::{Signed, checkpoints, latest, origin, sign};
pub use store::{size, tiles};
