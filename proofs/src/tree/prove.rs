//! Roots and paths from whoever has the nodes.

use std::ops::Range;

use crate::hash::{Hash, node_hash};
use crate::tree::node::{Node, Nodes};
use crate::tree::ranges::{consistency_ranges, inclusion_ranges, subtrees};

/// Why there is no such proof.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProveError {
    /// A leaf that the tree has not.
    #[error("a tree of size {size} has no leaf {index}")]
    NoSuchLeaf {
        /// From 0.
        index: u64,
        /// Of the tree.
        size: u64,
    },
    /// A tree does not grow smaller.
    #[error("a tree of size {second} does not continue one of size {first}")]
    Shrinks {
        /// Of the earlier tree.
        first: u64,
        /// Of the later tree.
        second: u64,
    },
    /// Whoever has the nodes lacks one.
    #[error(transparent)]
    Missing(#[from] Missing),
}

/// A node that whoever has the nodes lacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the node {index} of level {level} is not at hand", index = .0.index(), level = .0.level())]
pub struct Missing(pub Node);

/// The root of the first `size` leaves.
pub fn root(nodes: &impl Nodes, size: u64) -> Result<Hash, Missing> {
    range_root(nodes, &(0..size))
}

/// The inclusion path of the leaf `index` (from 0) in the tree of the first `size` leaves, from
/// the leaf's sibling upwards: RFC 9162 §2.1.3.1.
pub fn inclusion_path(nodes: &impl Nodes, index: u64, size: u64) -> Result<Vec<Hash>, ProveError> {
    if index >= size {
        return Err(ProveError::NoSuchLeaf { index, size });
    }
    Ok(hashes(nodes, &inclusion_ranges(index, size))?)
}

/// The path that shows that the tree of size `second` continues the tree of size `first`: RFC 9162
/// §2.1.4.1. It is empty where the sizes are equal or `first` is 0, which needs no proof.
pub fn consistency_path(
    nodes: &impl Nodes,
    first: u64,
    second: u64,
) -> Result<Vec<Hash>, ProveError> {
    if first > second {
        return Err(ProveError::Shrinks { first, second });
    }
    if first == 0 {
        return Ok(Vec::new());
    }
    Ok(hashes(nodes, &consistency_ranges(first, second))?)
}

fn hashes(nodes: &impl Nodes, ranges: &[Range<u64>]) -> Result<Vec<Hash>, Missing> {
    ranges
        .iter()
        .map(|range| range_root(nodes, range))
        .collect()
}

fn range_root(nodes: &impl Nodes, range: &Range<u64>) -> Result<Hash, Missing> {
    Ok(join(&subtree_hashes(nodes, range)?))
}

/// The hashes of the complete subtrees of a range, left to right.
pub(crate) fn subtree_hashes(nodes: &impl Nodes, range: &Range<u64>) -> Result<Vec<Hash>, Missing> {
    subtrees(range)
        .into_iter()
        .map(|node| nodes.node(node).ok_or(Missing(node)))
        .collect()
}

/// The root over complete subtrees, each smaller than the one before it.
pub(crate) fn join(subtrees: &[Hash]) -> Hash {
    let whole = subtrees
        .iter()
        .copied()
        .rev()
        .reduce(|right, left| node_hash(left, right));
    whole.unwrap_or_else(Hash::empty_root)
}
