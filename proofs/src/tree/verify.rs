//! Verification of paths, step by step as RFC 9162 has it.

use crate::hash::{Hash, node_hash};

/// Why a path proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A leaf beyond the tree.
    #[error("the leaf index {index} is not below the tree size {size}")]
    NoSuchLeaf {
        /// From 0.
        index: u64,
        /// Of the tree.
        size: u64,
    },
    /// A later tree that is smaller.
    #[error("the later tree size {second} is below the earlier one, {first}")]
    Shrinks {
        /// Of the earlier tree.
        first: u64,
        /// Of the later tree.
        second: u64,
    },
    /// Hashes are missing.
    #[error("the path has too few hashes ({0}) for these sizes")]
    PathTooShort(usize),
    /// Hashes are left over.
    #[error("the path has too many hashes ({0}) for these sizes")]
    PathTooLong(usize),
    /// Leaf and path give another root.
    #[error("the path leads from the leaf to the root {found}, not to {root}")]
    Root {
        /// Where it leads.
        found: Hash,
        /// Where it should.
        root: Hash,
    },
    /// The path is not over the earlier tree.
    #[error("the path gives the earlier tree the root {found}, not {root}")]
    FirstRoot {
        /// What it gives.
        found: Hash,
        /// What it should.
        root: Hash,
    },
    /// The path does not lead to the later tree.
    #[error("the path gives the later tree the root {found}, not {root}")]
    SecondRoot {
        /// What it gives.
        found: Hash,
        /// What it should.
        root: Hash,
    },
}

/// Whether the leaf `index` (from 0) of the tree with this size and root has this hash: RFC 9162
/// §2.1.3.2. Size and root belong together in a signed checkpoint; a path alone does not tell
/// neighbouring sizes apart.
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: Hash,
) -> Result<(), VerifyError> {
    if index >= size {
        return Err(VerifyError::NoSuchLeaf { index, size });
    }
    let mut walk = Walk {
        at: index,
        last: size - 1,
    };
    let mut found = leaf;
    for &hash in path {
        match walk.up() {
            None => return Err(VerifyError::PathTooLong(path.len())),
            Some(Side::Left) => found = node_hash(hash, found),
            Some(Side::Right) => found = node_hash(found, hash),
        }
    }
    if walk.last != 0 {
        return Err(VerifyError::PathTooShort(path.len()));
    }
    if found != root {
        return Err(VerifyError::Root { found, root });
    }
    Ok(())
}

/// Whether the tree of size `second` continues the tree of size `first`: RFC 9162 §2.1.4.2. An
/// empty path serves equal sizes, which must have equal roots, and an empty first tree, which any
/// tree continues.
pub fn verify_consistency(
    first: u64,
    first_root: Hash,
    second: u64,
    second_root: Hash,
    path: &[Hash],
) -> Result<(), VerifyError> {
    if first > second {
        return Err(VerifyError::Shrinks { first, second });
    }
    if first == 0 || first == second {
        if !path.is_empty() {
            return Err(VerifyError::PathTooLong(path.len()));
        }
        let known_first = if first == 0 {
            Hash::empty_root()
        } else {
            first_root
        };
        let known_second = if first == second {
            known_first
        } else {
            second_root
        };
        return roots_are(known_first, first_root, known_second, second_root);
    }
    // A first tree that is complete is itself the lowest hash; else the path begins with it.
    let (start, rest) = match path.split_first() {
        None => return Err(VerifyError::PathTooShort(0)),
        Some(_) if first.is_power_of_two() => (first_root, path),
        Some((&start, rest)) => (start, rest),
    };
    let shift = (first - 1).trailing_ones();
    let mut walk = Walk {
        at: (first - 1) >> shift,
        last: (second - 1) >> shift,
    };
    let (mut found_first, mut found_second) = (start, start);
    for &hash in rest {
        match walk.up() {
            None => return Err(VerifyError::PathTooLong(path.len())),
            Some(Side::Left) => {
                found_first = node_hash(hash, found_first);
                found_second = node_hash(hash, found_second);
            }
            Some(Side::Right) => found_second = node_hash(found_second, hash),
        }
    }
    if walk.last != 0 {
        return Err(VerifyError::PathTooShort(path.len()));
    }
    roots_are(found_first, first_root, found_second, second_root)
}

fn roots_are(
    found_first: Hash,
    first_root: Hash,
    found_second: Hash,
    second_root: Hash,
) -> Result<(), VerifyError> {
    if found_first != first_root {
        let (found, root) = (found_first, first_root);
        return Err(VerifyError::FirstRoot { found, root });
    }
    if found_second != second_root {
        let (found, root) = (found_second, second_root);
        return Err(VerifyError::SecondRoot { found, root });
    }
    Ok(())
}

/// `fn` and `sn` of RFC 9162: the node on the way up, and the last node of its level.
struct Walk {
    at: u64,
    last: u64,
}

/// On which side the next hash of the path stands.
enum Side {
    Left,
    Right,
}

impl Walk {
    /// None where the root is reached already.
    fn up(&mut self) -> Option<Side> {
        if self.last == 0 {
            return None;
        }
        let side = if self.at & 1 == 1 || self.at == self.last {
            // A node without a right sibling is its parent, until it has a left one.
            let shift = self.at.trailing_zeros();
            self.at >>= shift;
            self.last >>= shift;
            Side::Left
        } else {
            Side::Right
        };
        self.at >>= 1;
        self.last >>= 1;
        Some(side)
    }
}
