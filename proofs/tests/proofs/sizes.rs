//! Trees as large as numbers go.

use std::collections::HashMap;

use proofs::{
    Hash, Node, Nodes, ProveError, VerifyError, consistency_path, consistency_tiles,
    inclusion_path, inclusion_tiles, node_hash, root, tiles_of, verify_consistency,
    verify_inclusion,
};

/// A tree of 2^64 - 1 leaves that are all alike, so a level has one hash.
struct Alike(HashMap<u8, Hash>);

impl Alike {
    fn new() -> Alike {
        let mut hash = Hash([1; 32]);
        let mut levels = HashMap::new();
        for level in 0..64 {
            levels.insert(level, hash);
            hash = node_hash(hash, hash);
        }
        Alike(levels)
    }
}

impl Nodes for Alike {
    fn node(&self, node: Node) -> Option<Hash> {
        self.0.get(&node.level()).copied()
    }
}

const SIZES: [u64; 9] = [
    1,
    2,
    (1 << 32) + 1,
    (1 << 63) - 1,
    1 << 63,
    (1 << 63) + 1,
    u64::MAX - (1 << 40),
    u64::MAX - 1,
    u64::MAX,
];

#[test]
fn paths_of_the_largest_trees_verify() {
    let tree = Alike::new();
    for size in SIZES {
        let whole = root(&tree, size).unwrap();
        for index in SIZES
            .map(|other| other - 1)
            .into_iter()
            .filter(|i| *i < size)
        {
            let path = inclusion_path(&tree, index, size).unwrap();
            assert!(path.len() <= 64);
            assert_eq!(
                verify_inclusion(Hash([1; 32]), index, size, &path, whole),
                Ok(())
            );
            assert!(inclusion_tiles(index, size).len() <= 16);
        }
        for first in SIZES.into_iter().filter(|first| *first <= size) {
            let path = consistency_path(&tree, first, size).unwrap();
            let before = root(&tree, first).unwrap();
            assert_eq!(
                verify_consistency(first, before, size, whole, &path),
                Ok(())
            );
            assert!(consistency_tiles(first, size).len() <= 16);
        }
        assert!(tiles_of(size).next().is_some());
    }
}

#[test]
fn a_leaf_beyond_the_tree_and_a_tree_that_shrinks_are_refused() {
    let (tree, hash) = (Alike::new(), Hash([1; 32]));
    let (index, size) = (8, 8);
    assert_eq!(
        inclusion_path(&tree, index, size),
        Err(ProveError::NoSuchLeaf { index, size })
    );
    assert_eq!(
        verify_inclusion(hash, index, size, &[], hash),
        Err(VerifyError::NoSuchLeaf { index, size })
    );
    let (first, second) = (9, 8);
    assert_eq!(
        consistency_path(&tree, first, second),
        Err(ProveError::Shrinks { first, second })
    );
    assert_eq!(
        verify_consistency(first, hash, second, hash, &[]),
        Err(VerifyError::Shrinks { first, second })
    );
}

#[test]
fn every_tree_continues_the_empty_one() {
    let (empty, hash) = (Hash::empty_root(), Hash([1; 32]));
    assert_eq!(verify_consistency(0, empty, 8, hash, &[]), Ok(()));
    assert_eq!(verify_consistency(0, empty, 0, empty, &[]), Ok(()));
    assert!(verify_consistency(0, hash, 8, hash, &[]).is_err());
    assert!(verify_consistency(0, empty, 0, hash, &[]).is_err());
    assert!(verify_consistency(0, empty, 8, hash, &[hash]).is_err());
}

#[test]
fn nodes_are_those_that_64_bits_count() {
    assert!(Node::new(0, u64::MAX).is_some());
    assert!(Node::new(63, 1).is_some());
    assert!(Node::new(63, 2).is_none());
    assert!(Node::new(64, 0).is_none());
}
