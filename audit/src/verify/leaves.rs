//! The leaves that the tree has, a stretch at a time.

use event_store::tree;
use proofs::{Hash, TILE_WIDTH, TileId};
use sqlx::PgPool;

use super::Error;

/// How many tiles are loaded at once: half a megabyte.
const STRETCH: u64 = 64;

/// Leaves of the tree in the order of positions, loaded before they are asked for.
pub(super) struct Leaves {
    log: PgPool,
    size: u64,
    /// The index of the first leaf that is held.
    first: u64,
    held: Vec<Option<Hash>>,
}

impl Leaves {
    pub(super) fn new(log: PgPool, size: u64) -> Self {
        Self {
            log,
            size,
            first: 0,
            held: Vec::new(),
        }
    }

    /// Loads those of `position` and what follows; gives the last position that is loaded then.
    pub(super) async fn load(&mut self, position: u64) -> Result<u64, Error> {
        let width = TILE_WIDTH as u64;
        let tile = (position - 1) / width;
        self.first = tile * width;
        self.held.clear();
        let after = self.size.min((tile + STRETCH) * width);
        if after <= self.first {
            return Ok(u64::MAX);
        }
        self.held.resize((after - self.first) as usize, None);
        let ids = (tile..after.div_ceil(width)).map(|index| TileId { level: 0, index });
        for tile in tree::tiles(&self.log, ids).await? {
            let from = (tile.id().index * width - self.first) as usize;
            for (place, hash) in self.held[from..].iter_mut().zip(tile.hashes()) {
                *place = Some(*hash);
            }
        }
        Ok(if after == self.size { u64::MAX } else { after })
    }

    /// The leaf of a position up to the last that is loaded: none where the tree has none, though it
    /// may be large enough.
    pub(super) fn at(&self, position: u64) -> Option<Hash> {
        let place = (position - 1).checked_sub(self.first)?;
        *self.held.get(usize::try_from(place).ok()?)?
    }
}
