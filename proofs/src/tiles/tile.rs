//! One tile and the nodes it gives.

use crate::hash::{Hash, node_hash};
use crate::tree::node::Node;

/// How many hashes a full tile has.
pub const TILE_WIDTH: usize = 256;

/// Tree levels from one tile level to the next.
const STEP: u8 = 8;

/// Which tile: `tile/<level>/<index>` of tlog-tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileId {
    /// 0 to 7. Level 0 has leaf hashes, each further one the roots of full tiles of the one below.
    pub level: u8,
    /// From 0, left to right.
    pub index: u64,
}

/// Hashes of one level side by side: 1 to 256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    id: TileId,
    hashes: Vec<Hash>,
}

/// Why bytes are no tile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// A tile has whole hashes, one at least and 256 at most.
    #[error("a tile has 1 to 256 hashes of 32 bytes, not {0} bytes")]
    Length(usize),
}

impl Tile {
    pub(crate) fn empty(id: TileId) -> Tile {
        let hashes = Vec::new();
        Tile { id, hashes }
    }

    /// From its bytes as they are stored: the hashes one after the other.
    pub fn from_bytes(id: TileId, bytes: &[u8]) -> Result<Tile, TileError> {
        let (hashes, rest) = bytes.as_chunks::<32>();
        if hashes.is_empty() || hashes.len() > TILE_WIDTH || !rest.is_empty() {
            return Err(TileError::Length(bytes.len()));
        }
        let hashes = hashes.iter().copied().map(Hash).collect();
        Ok(Tile { id, hashes })
    }

    /// The hashes one after the other.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.hashes.iter().flat_map(|hash| hash.0).collect()
    }

    /// Which tile it is.
    pub fn id(&self) -> TileId {
        self.id
    }

    /// Its hashes, left to right.
    pub fn hashes(&self) -> &[Hash] {
        &self.hashes
    }

    /// Whether it is written for good.
    pub fn is_full(&self) -> bool {
        self.hashes.len() == TILE_WIDTH
    }

    pub(crate) fn push(&mut self, hash: Hash) {
        self.hashes.push(hash);
    }

    /// Its first hashes, as a smaller tree had it.
    pub(crate) fn cut(&self, width: usize) -> Tile {
        let hashes = self.hashes.iter().take(width).copied().collect();
        Tile {
            id: self.id,
            hashes,
        }
    }

    /// The root over all 256 hashes: the tile's place in the tile above.
    pub(crate) fn full_root(&self) -> Hash {
        fold(&self.hashes)
    }

    /// The hash of a node, None where another tile has it or this one does not reach so far.
    pub fn node(&self, node: Node) -> Option<Hash> {
        let (id, offset, width) = place(node);
        if id != self.id {
            return None;
        }
        let hashes = self.hashes.get(offset..offset + width)?;
        Some(fold(hashes))
    }
}

impl TileId {
    /// The tile that gives a node.
    pub fn of(node: Node) -> TileId {
        place(node).0
    }

    /// The one to the right.
    pub(crate) fn next(self) -> TileId {
        let index = self.index.saturating_add(1);
        TileId { index, ..self }
    }
}

/// The tile of a node, and which of its hashes the node is over.
fn place(node: Node) -> (TileId, usize, usize) {
    let within = node.level() % STEP;
    let first = node.index() << within;
    let id = TileId {
        level: node.level() / STEP,
        index: first >> STEP,
    };
    (id, (first % TILE_WIDTH as u64) as usize, 1 << within)
}

/// The root over hashes whose number is a power of two.
fn fold(hashes: &[Hash]) -> Hash {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        let (pairs, _) = row.as_chunks::<2>();
        row = pairs
            .iter()
            .map(|&[left, right]| node_hash(left, right))
            .collect();
    }
    row.first().copied().unwrap_or_else(Hash::empty_root)
}
