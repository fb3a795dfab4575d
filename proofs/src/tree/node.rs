//! Nodes of complete subtrees: those whose hash never changes once their leaves are there.

use crate::hash::Hash;

/// The root of the complete subtree over leaves `index << level` to `(index + 1) << level`, the
/// latter not included. Level 0 are the leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    level: u8,
    index: u64,
}

impl Node {
    /// None where its leaves are beyond what 64 bits count.
    pub fn new(level: u8, index: u64) -> Option<Node> {
        (level < 64 && index <= u64::MAX >> level).then_some(Node { level, index })
    }

    /// The leaf at an index from 0.
    pub fn leaf(index: u64) -> Node {
        Node { level: 0, index }
    }

    /// The largest node that starts at a leaf and is at most so many leaves wide. `start` is a
    /// multiple of that width and `width` is not 0.
    pub(crate) fn largest(start: u64, width: u64) -> Node {
        let level = width.ilog2();
        Node {
            level: level as u8,
            index: start >> level,
        }
    }

    /// How far above the leaves.
    pub fn level(self) -> u8 {
        self.level
    }

    /// The how-manieth of its level, from 0.
    pub fn index(self) -> u64 {
        self.index
    }
}

/// Who has the hashes of nodes: tiles, a table of levels, or memory.
pub trait Nodes {
    /// None where it is not at hand.
    fn node(&self, node: Node) -> Option<Hash>;
}
