//! From leaf hashes in order to tiles to store.

use crate::hash::Hash;
use crate::tiles::shape::edge_tiles;
use crate::tiles::tile::{Tile, TileId};
use crate::tiles::wanted::Tiles;
use crate::tree::frontier::Frontier;
use crate::tree::prove::Missing;

/// Holds the tiles at the right edge, 8 of at most 8 KiB, and gives away what has to be written.
#[derive(Debug, Clone)]
pub struct TileBuilder {
    frontier: Frontier,
    /// By level.
    edge: Vec<Tile>,
    full: Vec<Tile>,
    taken: u64,
}

/// Why a builder can't go on from some tiles.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// One of the [`edge_tiles`] is missing.
    #[error("tile {index} of level {level} is missing", index = .0.index, level = .0.level)]
    Missing(TileId),
    /// One has fewer hashes than the tree of that size.
    #[error(
        "tile {index} of level {level} has {found} hashes where the tree has {wanted}",
        index = .id.index, level = .id.level
    )]
    Narrow {
        /// Which tile.
        id: TileId,
        /// How many hashes it has.
        found: usize,
        /// How many it needs.
        wanted: usize,
    },
}

impl Default for TileBuilder {
    fn default() -> TileBuilder {
        TileBuilder::new()
    }
}

impl TileBuilder {
    /// Of the empty tree.
    pub fn new() -> TileBuilder {
        TileBuilder {
            frontier: Frontier::new(),
            edge: empty_edge(0),
            full: Vec::new(),
            taken: 0,
        }
    }

    /// Goes on at `size` leaves from the [`edge_tiles`] of that size. Tiles that are wider, as a
    /// larger tree left them, are cut back; others are ignored.
    pub fn resume(
        size: u64,
        tiles: impl IntoIterator<Item = Tile>,
    ) -> Result<TileBuilder, ResumeError> {
        let given: Vec<Tile> = tiles.into_iter().collect();
        let mut edge = empty_edge(size);
        for shape in edge_tiles(size) {
            let (id, wanted) = (shape.id, shape.width);
            let tile = given.iter().find(|tile| tile.id() == id);
            let tile = tile.ok_or(ResumeError::Missing(id))?;
            let found = tile.hashes().len();
            if found < wanted {
                return Err(ResumeError::Narrow { id, found, wanted });
            }
            edge[usize::from(id.level)] = tile.cut(wanted);
        }
        let nodes: Tiles = edge.iter().cloned().collect();
        let frontier = Frontier::resume(&nodes, size)
            .map_err(|Missing(node)| ResumeError::Missing(TileId::of(node)))?;
        Ok(TileBuilder {
            frontier,
            edge,
            full: Vec::new(),
            taken: size,
        })
    }

    /// Appends the next leaf. The one after 2^64 - 1 leaves is refused: false.
    pub fn push(&mut self, leaf: Hash) -> bool {
        if !self.frontier.push(leaf) {
            return false;
        }
        let mut hash = leaf;
        for tile in &mut self.edge {
            tile.push(hash);
            if !tile.is_full() {
                break;
            }
            let full = std::mem::replace(tile, Tile::empty(tile.id().next()));
            hash = full.full_root();
            self.full.push(full);
        }
        true
    }

    /// What changed since the last call: tiles that are full, each told once, and the edge as it
    /// now stands where it moved. Written in one transaction with [`size`](Self::size), they are
    /// the tree of that size.
    pub fn take(&mut self) -> Vec<Tile> {
        let mut tiles = std::mem::take(&mut self.full);
        let (before, now) = (self.taken, self.size());
        let moved = self.edge.iter().filter(|tile| {
            let level = 8 * tile.id().level;
            !tile.hashes().is_empty() && before >> level != now >> level
        });
        tiles.extend(moved.cloned());
        self.taken = now;
        tiles
    }

    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The root of all leaves so far.
    pub fn root(&self) -> Hash {
        self.frontier.root()
    }
}

/// The tile of each level that the next hash of that level goes to.
fn empty_edge(size: u64) -> Vec<Tile> {
    (0..8)
        .map(|level| {
            let index = size >> (8 * level) >> 8;
            Tile::empty(TileId { level, index })
        })
        .collect()
}
