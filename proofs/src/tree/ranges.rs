//! Which leaves each hash of a path covers. A proof and the tiles it needs both follow from it.

use std::ops::Range;

use crate::tree::node::Node;

/// The complete subtrees of a range, left to right. The range starts where a subtree of its size
/// may start, as all ranges here do.
pub(crate) fn subtrees(range: &Range<u64>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let node = Node::largest(start, range.end - start);
        nodes.push(node);
        start += 1 << node.level();
    }
    nodes
}

/// PATH of RFC 9162 §2.1.3.1, from the leaf's sibling upwards. `index` is below `size`.
pub(crate) fn inclusion_ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut siblings = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            siblings.push(middle..end);
            end = middle;
        } else {
            siblings.push(start..middle);
            start = middle;
        }
    }
    siblings.reverse();
    siblings
}

/// PROOF of RFC 9162 §2.1.4.1, lowest first. `first` is not 0 and at most `second`.
pub(crate) fn consistency_ranges(first: u64, second: u64) -> Vec<Range<u64>> {
    let mut hashes = Vec::new();
    let (mut start, mut end) = (0, second);
    while end != first {
        let middle = start + split(end - start);
        if first <= middle {
            hashes.push(middle..end);
            end = middle;
        } else {
            hashes.push(start..middle);
            start = middle;
        }
    }
    // What starts at the first leaf is the first tree itself, whose root the verifier has.
    if start > 0 {
        hashes.push(start..end);
    }
    hashes.reverse();
    hashes
}

/// The largest power of two below `width`, which is at least 2.
fn split(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}
