//! Tiles: written once in order, and proofs of any size from them.

use std::collections::BTreeMap;

use proofs::{
    Hash, ResumeError, Tile, TileBuilder, TileId, TileShape, Tiles, changed_tiles,
    consistency_path, consistency_tiles, edge_tiles, inclusion_path, inclusion_tiles, root_tiles,
    tiles_of,
};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::definition::{self, leaves};

/// A table of tiles.
type Table = BTreeMap<TileId, Vec<u8>>;

fn write(table: &mut Table, tiles: Vec<Tile>) {
    table.extend(tiles.iter().map(|tile| (tile.id(), tile.to_bytes())));
}

fn load(table: &Table, ids: impl IntoIterator<Item = TileId>) -> Vec<Tile> {
    ids.into_iter()
        .map(|id| Tile::from_bytes(id, &table[&id]).unwrap())
        .collect()
}

fn ids(shapes: impl Iterator<Item = TileShape>) -> impl Iterator<Item = TileId> {
    shapes.map(|shape| shape.id)
}

fn table_of(leaves: &[Hash]) -> Table {
    let (mut builder, mut table) = (TileBuilder::new(), Table::new());
    for leaf in leaves {
        builder.push(*leaf);
    }
    write(&mut table, builder.take());
    table
}

fn shape(level: u8, index: u64, width: usize) -> TileShape {
    let id = TileId { level, index };
    TileShape { id, width }
}

#[test]
fn a_tree_of_seventy_thousand() {
    let tiles: Vec<_> = tiles_of(70_000).collect();
    assert_eq!(tiles.len(), 274 + 2 + 1);
    assert!(tiles.contains(&shape(0, 272, 256)));
    assert!(tiles.contains(&shape(0, 273, 112)));
    assert!(tiles.contains(&shape(1, 1, 17)));
    assert!(tiles.contains(&shape(2, 0, 1)));
    let edge: Vec<_> = edge_tiles(70_000).collect();
    assert_eq!(edge, [shape(0, 273, 112), shape(1, 1, 17), shape(2, 0, 1)]);
    let grown: Vec<_> = changed_tiles(70_000, 70_100).collect();
    assert_eq!(grown, [shape(0, 273, 212)]);
    assert_eq!(edge_tiles(65_536).collect::<Vec<_>>(), [shape(2, 0, 1)]);
}

#[test]
fn a_proof_among_ten_million_takes_a_handful_of_tiles() {
    assert!(inclusion_tiles(1_234_567, 10_000_000).len() <= 6);
    assert!(consistency_tiles(1_234_567, 10_000_000).len() <= 6);
}

#[test]
fn levels_above_the_second_are_built_and_read() {
    let leaves = leaves(66_000);
    let table = table_of(&leaves);
    let tiles: Tiles = load(&table, inclusion_tiles(40_000, 66_000))
        .into_iter()
        .collect();
    let path = inclusion_path(&tiles, 40_000, 66_000).unwrap();
    assert_eq!(path, definition::path(40_000, &leaves));
    let tiles: Tiles = load(&table, root_tiles(66_000)).into_iter().collect();
    assert_eq!(
        proofs::root(&tiles, 66_000).unwrap(),
        definition::root(&leaves)
    );
}

#[test]
fn what_is_no_tile_is_refused() {
    let id = TileId { level: 0, index: 0 };
    for length in [0, 31, 33, 257 * 32, 8191] {
        assert!(Tile::from_bytes(id, &vec![0; length]).is_err());
    }
}

#[test]
fn a_builder_needs_the_edge() {
    let table = table_of(&leaves(300));
    let edge = |count| load(&table, ids(edge_tiles(300)).take(count));
    assert!(TileBuilder::resume(300, edge(2)).is_ok());
    let id = TileId { level: 1, index: 0 };
    let resumed = TileBuilder::resume(300, edge(1));
    assert_eq!(resumed.err(), Some(ResumeError::Missing(id)));
    let narrow = TileBuilder::resume(301, edge(2));
    assert!(matches!(
        narrow,
        Err(ResumeError::Narrow {
            found: 44,
            wanted: 45,
            ..
        })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Steps of any size, each by a builder that goes on from what is stored, write what
    /// `changed_tiles` says and end in the same tiles.
    #[test]
    fn step_by_step_or_at_once(steps in prop::collection::vec(0usize..600, 0..6)) {
        let leaves = leaves(steps.iter().sum());
        let (mut table, mut size) = (Table::new(), 0);
        for step in steps {
            let edge = load(&table, ids(edge_tiles(size as u64)));
            let mut builder = TileBuilder::resume(size as u64, edge).unwrap();
            for leaf in &leaves[size..size + step] {
                builder.push(*leaf);
            }
            prop_assert_eq!(builder.root(), definition::root(&leaves[..size + step]));
            let written = builder.take();
            let mut shapes: Vec<_> = written
                .iter()
                .map(|tile| shape(tile.id().level, tile.id().index, tile.hashes().len()))
                .collect();
            shapes.sort_by_key(|shape| shape.id);
            let changed: Vec<_> = changed_tiles(size as u64, (size + step) as u64).collect();
            prop_assert_eq!(shapes, changed);
            prop_assert!(builder.take().is_empty());
            write(&mut table, written);
            size += step;
        }
        prop_assert_eq!(&table, &table_of(&leaves));
        let ids: Vec<_> = ids(tiles_of(size as u64)).collect();
        prop_assert_eq!(table.into_keys().collect::<Vec<_>>(), ids);
    }

    /// From the tiles of a larger tree.
    #[test]
    fn proofs_from_tiles_are_those_of_the_definition(
        size in 1usize..1100, more in 0usize..300, a in any::<Index>(), b in any::<Index>(),
    ) {
        let leaves = leaves(size + more);
        let table = table_of(&leaves);
        let leaves = &leaves[..size];
        let (index, first, n) = (a.index(size), b.index(size) + 1, size as u64);

        let tiles: Tiles = load(&table, inclusion_tiles(index as u64, n)).into_iter().collect();
        let path = inclusion_path(&tiles, index as u64, n).unwrap();
        prop_assert_eq!(path, definition::path(index, leaves));

        let tiles: Tiles = load(&table, consistency_tiles(first as u64, n)).into_iter().collect();
        let path = consistency_path(&tiles, first as u64, n).unwrap();
        prop_assert_eq!(path, definition::proof(first, leaves));

        let tiles: Tiles = load(&table, root_tiles(n)).into_iter().collect();
        prop_assert_eq!(proofs::root(&tiles, n).unwrap(), definition::root(leaves));
        let edge = load(&table, ids(edge_tiles(n)));
        prop_assert_eq!(TileBuilder::resume(n, edge).unwrap().root(), definition::root(leaves));
    }
}
