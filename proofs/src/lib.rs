//! A Merkle tree over the log (RFC 9162), signed checkpoints of it (C2SP tlog-checkpoint), and
//! proofs that anybody checks offline with a public key. Pure: what is read and written is handed
//! in and handed out.
//!
//! **Leaves.** Leaf `i` is the event at position `i + 1`; positions are 1, 2, 3, … without a hole,
//! so a tree of size `n` covers positions 1 to `n`. The hash of a leaf comes in ready: it is
//! `event_store::leaf_hash`, SHA-256(0x00 ‖ the stored fields of the event), which is [`leaf_hash`]
//! of those fields. It is never hashed again. A node is SHA-256(0x01 ‖ left ‖ right), so no node
//! passes for a leaf.
//!
//! **Writing.** [`TileBuilder`] takes leaf hashes in order and gives the [`Tile`]s to store;
//! [`Checkpoint`] signs its root. **Proving.** [`inclusion_tiles`] and [`consistency_tiles`] name
//! the tiles to load, [`inclusion_path`] and [`consistency_path`] make the path from them.
//! **Checking.** [`check`] reads a proof file and answers by a [`Verdict`] or says what is wrong.

mod file;
mod hash;
mod note;
mod tiles;
mod tree;

pub use file::{CheckError, ConsistencyProof, InclusionProof, LeafInput, Proof, Verdict, check};
pub use hash::{Hash, leaf_hash, node_hash};
pub use note::checkpoint::{Checkpoint, CheckpointError};
pub use note::key::{KeyError, SignerKey, VerifierKey};
pub use note::signed::{MAX_SIGNATURES, MAX_SIZE, NoteError, Signature, SignedNote};
pub use tiles::builder::{ResumeError, TileBuilder};
pub use tiles::shape::{TileShape, changed_tiles, edge_tiles, tiles_of};
pub use tiles::tile::{TILE_WIDTH, Tile, TileError, TileId};
pub use tiles::wanted::{Tiles, consistency_tiles, inclusion_tiles, root_tiles};
pub use tree::frontier::Frontier;
pub use tree::node::{Node, Nodes};
pub use tree::prove::{Missing, ProveError, consistency_path, inclusion_path, root};
pub use tree::verify::{VerifyError, verify_consistency, verify_inclusion};
