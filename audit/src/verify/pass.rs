//! The one pass over the log.

use event_store::read::LogReader;
use event_store::{BorrowedEvent, Position, leaf_hash, tree};
use proofs::{Frontier, Hash, Tile, TileBuilder};
use sqlx::PgPool;
use uuid::Uuid;

use super::leaves::Leaves;
use super::places::{self, Differs};
use super::roots::{Roots, Seen};
use super::streams::Streams;
use super::{Error, Fault, Report};

/// How many faults are told.
const MOST: usize = 100;
/// After how many leaves the tiles are compared.
const STRETCH: u64 = 16_384;

/// Where the pass is, and what it has found.
pub(super) struct Pass {
    log: PgPool,
    head: u64,
    tree: u64,
    leaves: Leaves,
    loaded_to: u64,
    roots: Roots,
    /// Sizes of checkpoints that are still to come, the next one last.
    to_come: Vec<u64>,
    /// The last position that was seen.
    position: u64,
    recorded: i64,
    streams: Streams,
    of_events: Frontier,
    of_tiles: TileBuilder,
    built_at: u64,
    differ: Vec<Differs>,
    faults: Vec<Fault>,
    more: u64,
}

impl Pass {
    pub(super) fn new(log: PgPool, head: u64, tree: u64, roots: Roots) -> Self {
        let mut to_come = roots.sizes();
        to_come.reverse();
        Self {
            leaves: Leaves::new(log.clone(), tree),
            log,
            head,
            tree,
            loaded_to: 0,
            roots,
            to_come,
            position: 0,
            recorded: i64::MIN,
            streams: Streams::default(),
            of_events: Frontier::new(),
            of_tiles: TileBuilder::new(),
            built_at: 0,
            differ: Vec::new(),
            faults: Vec::new(),
            more: 0,
        }
    }

    pub(super) async fn run(&mut self, mut progress: impl FnMut(u64, u64)) -> Result<(), Error> {
        let mut reader = LogReader::as_they_are(&self.log, 0);
        while self.position < self.head {
            let Some(page) = reader.next().await? else {
                let next = self.next_position().await?;
                self.skip_to(next).await?;
                reader = LogReader::as_they_are(&self.log, next.cast_signed() - 1);
                continue;
            };
            for row in page.leaves() {
                let (event, stored) = row?;
                let position = event.position.unsigned_abs();
                if position > self.head {
                    break;
                }
                if position == self.position {
                    self.tell(Fault::Several { position });
                    continue;
                }
                self.skip_to(position).await?;
                self.look_at(&event, stored).await?;
            }
            progress(self.position, self.head);
        }
        self.compare_tiles().await?;
        self.end();
        Ok(())
    }

    /// The next position that has an event; one after the head when there is none any more.
    async fn next_position(&self) -> Result<u64, Error> {
        let next: Option<Position> =
            sqlx::query_scalar("SELECT min(position) FROM events WHERE position > $1")
                .bind(self.position.cast_signed())
                .fetch_one(&self.log)
                .await?;
        Ok(next.map_or(self.head + 1, i64::unsigned_abs))
    }

    /// Passes over positions before `next` that have no event.
    async fn skip_to(&mut self, next: u64) -> Result<(), Error> {
        while self.position + 1 < next.min(self.head + 1) {
            let position = self.position + 1;
            self.tell(Fault::Missing { position });
            let leaf = self.expected(position).await?;
            self.add(position, Hash([0; 32]), leaf).await?;
        }
        Ok(())
    }

    async fn look_at(&mut self, event: &BorrowedEvent<'_>, stored: &[u8]) -> Result<(), Error> {
        let position = event.position.unsigned_abs();
        let leaf = Hash(leaf_hash(event));
        if let Some(fault) = self.streams.follow(event) {
            self.tell(fault);
        }
        let recorded = event.recorded_at.timestamp_micros();
        if recorded < self.recorded {
            self.tell(Fault::Time { position });
        }
        self.recorded = recorded;
        let expected = self.expected(position).await?;
        let rehashed = leaf.0 == *stored;
        if position > self.tree {
            if !rehashed {
                self.tell(Fault::Altered { position, rehashed });
            }
        } else if expected != Some(leaf) {
            self.differs(position, leaf, expected, rehashed);
        } else if !rehashed {
            self.tell(Fault::LeafHash { position });
        }
        self.add(position, leaf, expected).await
    }

    fn differs(&mut self, position: u64, event: Hash, tree: Option<Hash>, rehashed: bool) {
        match self.differ.len() < places::MOST {
            true => self.differ.push(Differs {
                position,
                event,
                tree,
                next: self.leaves.at(position + 1),
                rehashed,
            }),
            false => self.more += 1,
        }
    }

    /// The leaf that the tree has at `position`.
    async fn expected(&mut self, position: u64) -> Result<Option<Hash>, Error> {
        if position > self.loaded_to {
            self.loaded_to = self.leaves.load(position).await?;
        }
        Ok(self.leaves.at(position))
    }

    /// Adds a leaf to what the events and what the tiles come to.
    async fn add(&mut self, position: u64, leaf: Hash, tile: Option<Hash>) -> Result<(), Error> {
        self.position = position;
        self.of_events.push(leaf);
        self.of_tiles.push(tile.unwrap_or(leaf));
        if position == self.tree || (position < self.tree && position - self.built_at == STRETCH) {
            self.compare_tiles().await?;
        }
        while self.to_come.last().is_some_and(|size| *size <= position) {
            if let Some(size) = self.to_come.pop() {
                let seen = Seen {
                    events: self.of_events.root(),
                    tiles: self.of_tiles.root(),
                };
                self.roots.compare(size, seen);
            }
        }
        Ok(())
    }

    /// Compares the tiles above the leaves with those that the leaves give.
    async fn compare_tiles(&mut self) -> Result<(), Error> {
        if self.position > self.tree {
            return Ok(());
        }
        self.built_at = self.position;
        let built = self.of_tiles.take();
        let upper: Vec<&Tile> = built.iter().filter(|tile| tile.id().level > 0).collect();
        let stored = tree::tiles(&self.log, upper.iter().map(|tile| tile.id())).await?;
        for tile in upper {
            let found = stored.iter().find(|stored| stored.id() == tile.id());
            let held = found.map_or(&[][..], |stored| stored.hashes());
            let pairs = tile.hashes().iter().enumerate();
            let mut wrong = pairs.filter(|(at, hash)| held.get(*at) != Some(hash));
            if let Some((at, _)) = wrong.next() {
                let (level, index) = (tile.id().level, tile.id().index);
                let position = ((index << 8) + at as u64) << (8 * level);
                self.tell(Fault::Tile {
                    position: position + 1,
                    level,
                    index,
                });
            }
        }
        Ok(())
    }

    fn tell(&mut self, fault: Fault) {
        match self.faults.len() < MOST {
            true => self.faults.push(fault),
            false => self.more += 1,
        }
    }

    /// What is known when all was seen.
    fn end(&mut self) {
        let had = self.to_come.first().copied().unwrap_or(0).max(self.tree);
        if had > self.head {
            self.faults.push(Fault::Ends {
                position: self.head,
                had,
            });
        }
        let differ = &self.differ;
        self.faults.retain(|fault| !is_above(fault, differ));
        for fault in places::faults(&self.differ, &self.roots) {
            self.tell(fault);
        }
        self.faults.extend(self.roots.take_faults());
        self.faults.sort_by_key(Fault::position);
        self.more += self.faults.len().saturating_sub(MOST) as u64;
        self.faults.truncate(MOST);
    }

    pub(super) fn report(self, epoch: Uuid) -> Report {
        let (honoured, unsigned) = self.roots.honoured();
        Report {
            epoch,
            head: self.head,
            tree: self.tree,
            honoured,
            unsigned,
            faults: self.faults,
            more: self.more,
        }
    }
}

/// Whether a tile is otherwise since a leaf below it is, which is told by itself.
fn is_above(fault: &Fault, differ: &[Differs]) -> bool {
    let Fault::Tile {
        position, level, ..
    } = fault
    else {
        return false;
    };
    let covers = *position..position.saturating_add(1 << (8 * level));
    differ.iter().any(|one| covers.contains(&one.position))
}
