//! RFC 9162 §2.1 word for word: slow, and what everything else is held against.

use proofs::{Hash, Node, Nodes, leaf_hash, node_hash};

pub(crate) fn leaves(count: usize) -> Vec<Hash> {
    (0..count as u64)
        .map(|i| leaf_hash(&i.to_be_bytes()))
        .collect()
}

/// MTH(D_n)
pub(crate) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(k(leaves.len()));
            node_hash(root(left), root(right))
        }
    }
}

/// PATH(m, D_n)
pub(crate) fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = k(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut below, sibling) = if m < k {
        (path(m, left), root(right))
    } else {
        (path(m - k, right), root(left))
    };
    below.push(sibling);
    below
}

/// PROOF(m, D_n)
pub(crate) fn proof(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    subproof(m, leaves, true)
}

fn subproof(m: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if known {
            Vec::new()
        } else {
            vec![root(leaves)]
        };
    }
    let k = k(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut below, other) = if m <= k {
        (subproof(m, left, known), root(right))
    } else {
        (subproof(m - k, right, false), root(left))
    };
    below.push(other);
    below
}

/// The largest power of two below n.
fn k(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// Leaves in memory.
pub(crate) struct Memory(pub(crate) Vec<Hash>);

impl Nodes for Memory {
    fn node(&self, node: Node) -> Option<Hash> {
        let width = 1usize.checked_shl(node.level().into())?;
        let from = usize::try_from(node.index()).ok()?.checked_mul(width)?;
        Some(root(self.0.get(from..from.checked_add(width)?)?))
    }
}
