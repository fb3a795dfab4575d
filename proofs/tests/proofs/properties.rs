//! Paths of trees of any size: right ones verify, any other is refused.

use proofs::{
    Frontier, Hash, consistency_path, inclusion_path, verify_consistency, verify_inclusion,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::definition::{self, Memory, leaves};

fn altered(mut hash: Hash, bit: Index) -> Hash {
    let bit = bit.index(256);
    hash.0[bit / 8] ^= 1 << (bit % 8);
    hash
}

#[test]
fn a_path_is_of_one_leaf_and_one_earlier_tree() {
    for size in 1..=24usize {
        let tree = Memory(leaves(size));
        let (n, root) = (size as u64, definition::root(&tree.0));
        for index in 0..n {
            let path = inclusion_path(&tree, index, n).unwrap();
            for other in 0..n + 2 {
                let verified = verify_inclusion(tree.0[index as usize], other, n, &path, root);
                assert_eq!(verified.is_ok(), other == index);
            }
        }
        for first in 1..=n {
            let path = consistency_path(&tree, first, n).unwrap();
            let before = definition::root(&tree.0[..first as usize]);
            for other in 0..n + 2 {
                let verified = verify_consistency(other, before, n, root, &path);
                assert_eq!(verified.is_ok(), other == first);
            }
        }
    }
}

#[test]
fn every_path_of_small_trees() {
    for size in 1..=40 {
        let tree = Memory(leaves(size));
        let root = definition::root(&tree.0);
        for index in 0..size {
            let path = inclusion_path(&tree, index as u64, size as u64).unwrap();
            assert_eq!(path, definition::path(index, &tree.0));
            let leaf = tree.0[index];
            assert_eq!(
                verify_inclusion(leaf, index as u64, size as u64, &path, root),
                Ok(())
            );
        }
        for first in 1..=size {
            let path = consistency_path(&tree, first as u64, size as u64).unwrap();
            assert_eq!(path, definition::proof(first, &tree.0));
            let first_root = definition::root(&tree.0[..first]);
            let (first, size) = (first as u64, size as u64);
            assert_eq!(
                verify_consistency(first, first_root, size, root, &path),
                Ok(())
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_frontier_has_the_root_of_the_definition(size in 0usize..1100, cut in any::<Index>()) {
        let tree = Memory(leaves(size));
        let cut = cut.index(size + 1);
        let mut frontier = Frontier::new();
        for leaf in &tree.0[..cut] {
            frontier.push(*leaf);
        }
        prop_assert_eq!(&frontier, &Frontier::resume(&tree, cut as u64).unwrap());
        for leaf in &tree.0[cut..] {
            frontier.push(*leaf);
        }
        prop_assert_eq!(frontier.root(), definition::root(&tree.0));
    }

    #[test]
    fn inclusion(size in 1usize..1100, at in any::<Index>(), hash in any::<Index>(), bit in any::<Index>()) {
        let tree = Memory(leaves(size));
        let index = at.index(size);
        let (leaf, root) = (tree.0[index], definition::root(&tree.0));
        let (i, n) = (index as u64, size as u64);
        let path = inclusion_path(&tree, i, n).unwrap();
        prop_assert_eq!(&path, &definition::path(index, &tree.0));
        prop_assert_eq!(verify_inclusion(leaf, i, n, &path, root), Ok(()));

        prop_assert!(verify_inclusion(altered(leaf, bit), i, n, &path, root).is_err());
        prop_assert!(verify_inclusion(leaf, i, n, &path, altered(root, bit)).is_err());
        prop_assert!(verify_inclusion(leaf, i, n, &[&path[..], &[leaf]].concat(), root).is_err());
        prop_assert!(verify_inclusion(leaf, n, n, &path, root).is_err());
        if !path.is_empty() {
            let mut other = path.clone();
            let place = hash.index(path.len());
            other[place] = altered(other[place], bit);
            prop_assert!(verify_inclusion(leaf, i, n, &other, root).is_err());
            other.remove(place);
            prop_assert!(verify_inclusion(leaf, i, n, &other, root).is_err());
        }
        for other in (0..n).filter(|other| *other != i) {
            prop_assert!(verify_inclusion(leaf, other, n, &path, root).is_err());
        }
    }

    #[test]
    fn consistency(second in 1usize..1100, at in any::<Index>(), hash in any::<Index>(), bit in any::<Index>()) {
        let tree = Memory(leaves(second));
        let first = at.index(second) + 1;
        let (a, b) = (definition::root(&tree.0[..first]), definition::root(&tree.0));
        let (m, n) = (first as u64, second as u64);
        let path = consistency_path(&tree, m, n).unwrap();
        prop_assert_eq!(&path, &definition::proof(first, &tree.0));
        prop_assert_eq!(verify_consistency(m, a, n, b, &path), Ok(()));

        prop_assert!(verify_consistency(m, altered(a, bit), n, b, &path).is_err());
        prop_assert!(verify_consistency(m, a, n, altered(b, bit), &path).is_err());
        prop_assert!(verify_consistency(m, a, n, b, &[&path[..], &[a]].concat()).is_err());
        prop_assert!(verify_consistency(n + 1, a, n, b, &path).is_err());
        if !path.is_empty() {
            let mut other = path.clone();
            let place = hash.index(path.len());
            other[place] = altered(other[place], bit);
            prop_assert!(verify_consistency(m, a, n, b, &other).is_err());
            other.remove(place);
            prop_assert!(verify_consistency(m, a, n, b, &other).is_err());
        }
        for other in (0..=n).filter(|other| *other != m) {
            prop_assert!(verify_consistency(other, a, n, b, &path).is_err());
        }
    }

    #[test]
    fn no_sizes_and_no_path_panic(m in any::<u64>(), n in any::<u64>(), length in 0usize..80) {
        let (hash, path) = (Hash([7; 32]), vec![Hash([9; 32]); length]);
        for (m, n) in [(m, n), (m, n >> 60), (m >> 60, n), (n - n / 4, n)] {
            prop_assert!(verify_inclusion(hash, m, n, &path, hash).is_err() || (n == 1 && length == 0));
            prop_assert!(verify_consistency(m, hash, n, hash, &path).is_err() || (m == n && length == 0));
        }
    }
}
