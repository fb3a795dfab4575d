//! Which tiles a tree has: it follows from its size alone.

use crate::tiles::tile::{TILE_WIDTH, TileId};

/// A tile, and how many hashes it has in a tree of some size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileShape {
    /// Which tile.
    pub id: TileId,
    /// 1 to 256.
    pub width: usize,
}

/// Every tile of a tree, level by level, left to right.
pub fn tiles_of(size: u64) -> impl Iterator<Item = TileShape> {
    changed_tiles(0, size)
}

/// The tiles that are new or wider in a tree of size `new` than in one of size `old`: what has to
/// be written when the tree grows.
pub fn changed_tiles(old: u64, new: u64) -> impl Iterator<Item = TileShape> {
    levels(new).flat_map(move |(level, width)| {
        let before = hashes_at(old, level);
        let last = width.div_ceil(TILE_WIDTH as u64);
        let changed = if before < width {
            before / TILE_WIDTH as u64..last
        } else {
            0..0
        };
        changed.map(move |index| shape(level, index, width))
    })
}

/// The tiles at the right edge that are not full, one a level at most: what is needed to go on.
pub fn edge_tiles(size: u64) -> impl Iterator<Item = TileShape> {
    levels(size).filter_map(|(level, width)| {
        let index = width / TILE_WIDTH as u64;
        (width % TILE_WIDTH as u64 != 0).then(|| shape(level, index, width))
    })
}

/// Each tile level with how many hashes it has, up to the last that has any.
fn levels(size: u64) -> impl Iterator<Item = (u8, u64)> {
    (0..8)
        .map(move |level| (level, hashes_at(size, level)))
        .take_while(|(_, width)| *width > 0)
}

/// How many complete subtrees of 256^level leaves.
fn hashes_at(size: u64, level: u8) -> u64 {
    size >> (8 * level)
}

fn shape(level: u8, index: u64, hashes: u64) -> TileShape {
    let from = index * TILE_WIDTH as u64;
    let width = (hashes - from).min(TILE_WIDTH as u64) as usize;
    let id = TileId { level, index };
    TileShape { id, width }
}
