//! Which tiles a proof needs, and a proof from those that were loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::hash::Hash;
use crate::tiles::tile::{Tile, TileId};
use crate::tree::node::{Node, Nodes};
use crate::tree::ranges::{consistency_ranges, inclusion_ranges, subtrees};

/// Tiles in memory, of a tree at least as large as the one that is proved.
#[derive(Debug, Clone, Default)]
pub struct Tiles(BTreeMap<TileId, Tile>);

impl FromIterator<Tile> for Tiles {
    fn from_iter<I: IntoIterator<Item = Tile>>(tiles: I) -> Tiles {
        Tiles(tiles.into_iter().map(|tile| (tile.id(), tile)).collect())
    }
}

impl Extend<Tile> for Tiles {
    fn extend<I: IntoIterator<Item = Tile>>(&mut self, tiles: I) {
        self.0
            .extend(tiles.into_iter().map(|tile| (tile.id(), tile)));
    }
}

impl Nodes for Tiles {
    fn node(&self, node: Node) -> Option<Hash> {
        self.0.get(&TileId::of(node))?.node(node)
    }
}

/// The tiles from which [`inclusion_path`](crate::inclusion_path) makes the path: two a level at
/// most. None of them for a leaf that the tree has not.
pub fn inclusion_tiles(index: u64, size: u64) -> BTreeSet<TileId> {
    if index >= size {
        return BTreeSet::new();
    }
    tiles(&inclusion_ranges(index, size))
}

/// The tiles from which [`consistency_path`](crate::consistency_path) makes the path.
pub fn consistency_tiles(first: u64, second: u64) -> BTreeSet<TileId> {
    if first == 0 || first > second {
        return BTreeSet::new();
    }
    tiles(&consistency_ranges(first, second))
}

/// The tiles from which [`root`](crate::root) is made.
pub fn root_tiles(size: u64) -> BTreeSet<TileId> {
    subtrees(&(0..size)).into_iter().map(TileId::of).collect()
}

fn tiles(ranges: &[Range<u64>]) -> BTreeSet<TileId> {
    ranges.iter().flat_map(subtrees).map(TileId::of).collect()
}
