//! The eight leaves of the Certificate Transparency reference implementation, with its hashes.

use proofs::{
    Frontier, Hash, consistency_path, inclusion_path, leaf_hash, verify_consistency,
    verify_inclusion,
};

use crate::definition::Memory;

const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

const H1: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const H23: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const H4: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const H45: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const H67: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const H4567: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";

/// Leaf, size, path.
const INCLUSION: [(u64, u64, &[&str]); 5] = [
    (0, 1, &[]),
    (0, 8, &[H1, H23, H4567]),
    (5, 8, &[H4, H67, ROOTS[4]]),
    (2, 3, &[ROOTS[2]]),
    (1, 5, &[ROOTS[1], H23, H4]),
];

/// Sizes, path.
const CONSISTENCY: [(u64, u64, &[&str]); 4] = [
    (1, 1, &[]),
    (1, 8, &[H1, H23, H4567]),
    (6, 8, &[H45, H67, ROOTS[4]]),
    (2, 5, &[H23, H4]),
];

fn hex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hash(text: &str) -> Hash {
    Hash(hex(text).try_into().unwrap())
}

fn hashes(texts: &[&str]) -> Vec<Hash> {
    texts.iter().map(|text| hash(text)).collect()
}

fn root(size: u64) -> Hash {
    hash(ROOTS[size as usize])
}

fn tree() -> Memory {
    Memory(LEAVES.iter().map(|leaf| leaf_hash(&hex(leaf))).collect())
}

#[test]
fn roots_of_every_size() {
    let tree = tree();
    let mut frontier = Frontier::new();
    assert_eq!(frontier.root(), root(0));
    for (leaf, size) in tree.0.iter().zip(1..) {
        assert!(frontier.push(*leaf));
        assert_eq!(frontier.root(), root(size));
        assert_eq!(proofs::root(&tree, size).unwrap(), root(size));
    }
}

#[test]
fn inclusion_paths() {
    let tree = tree();
    for (index, size, path) in INCLUSION {
        let path = hashes(path);
        let leaf = tree.0[index as usize];
        assert_eq!(inclusion_path(&tree, index, size).unwrap(), path);
        assert_eq!(
            verify_inclusion(leaf, index, size, &path, root(size)),
            Ok(())
        );
    }
}

#[test]
fn consistency_paths() {
    let tree = tree();
    for (first, second, path) in CONSISTENCY {
        let path = hashes(path);
        assert_eq!(consistency_path(&tree, first, second).unwrap(), path);
        let verified = verify_consistency(first, root(first), second, root(second), &path);
        assert_eq!(verified, Ok(()));
    }
}
