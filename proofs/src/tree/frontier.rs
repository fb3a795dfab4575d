//! The right edge of a growing tree.

use crate::hash::{Hash, node_hash};
use crate::tree::node::Nodes;
use crate::tree::prove::{Missing, join, subtree_hashes};

/// What of a tree is needed to go on: the roots of its complete subtrees, at most 64. A leaf costs
/// one or two hashes on average, whatever the size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// Of the empty tree.
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// Of the first `size` leaves, from whoever has their nodes.
    pub fn resume(nodes: &impl Nodes, size: u64) -> Result<Frontier, Missing> {
        let subtrees = subtree_hashes(nodes, &(0..size))?;
        Ok(Frontier { size, subtrees })
    }

    /// Appends a leaf. The one after 2^64 - 1 leaves is refused: false.
    pub fn push(&mut self, leaf: Hash) -> bool {
        let Some(size) = self.size.checked_add(1) else {
            return false;
        };
        self.subtrees.push(leaf);
        // Each set bit at the end of the old size is a subtree as large as the one that grows.
        for _ in 0..self.size.trailing_ones() {
            if let (Some(right), Some(left)) = (self.subtrees.pop(), self.subtrees.pop()) {
                self.subtrees.push(node_hash(left, right));
            }
        }
        self.size = size;
        true
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of all leaves so far.
    pub fn root(&self) -> Hash {
        join(&self.subtrees)
    }
}
