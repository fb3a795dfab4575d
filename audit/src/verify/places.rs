//! What was done to events that are not those that the tree has at their places.

use std::collections::HashMap;
use std::ops::Range;

use proofs::{Hash, TILE_WIDTH};

use super::Fault;
use super::roots::Roots;

/// An event that is not the one that the tree has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Differs {
    pub(super) position: u64,
    /// The event's.
    pub(super) event: Hash,
    /// The tree's; none where it has none.
    pub(super) tree: Option<Hash>,
    /// The tree's at the position after.
    pub(super) next: Option<Hash>,
    /// Whether the stored leaf hash is the event's.
    pub(super) rehashed: bool,
}

/// How many are told apart; the rest is counted.
pub(super) const MOST: usize = 1_000;

/// What was done, run by run.
pub(super) fn faults(differ: &[Differs], roots: &Roots) -> Vec<Fault> {
    let places = differ
        .iter()
        .filter_map(|one| Some((one.tree?, one.position)));
    let places: HashMap<Hash, u64> = places.collect();
    let mut faults = Vec::new();
    for run in runs(differ) {
        of_run(&differ[run], &places, roots, &mut faults);
    }
    faults
}

/// Neighbours by position.
fn runs(differ: &[Differs]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, one) in differ.iter().enumerate() {
        match runs.last_mut() {
            Some(run) if differ[run.end - 1].position + 1 == one.position => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

fn of_run(run: &[Differs], places: &HashMap<Hash, u64>, roots: &Roots, faults: &mut Vec<Fault>) {
    let (first, last) = (&run[0], &run[run.len() - 1]);
    let position = first.position;
    let moved_up = || run.iter().all(|one| Some(one.event) == one.next);
    let moved_down = || {
        let mut pairs = run.windows(2);
        pairs.all(|pair| Some(pair[1].event) == pair[0].tree) && !places.contains_key(&first.event)
    };
    if roots.honours(last.position) || run.iter().all(|one| one.tree.is_none()) {
        faults.extend(tiles(run));
    } else if moved_up() {
        faults.push(Fault::Removed { position });
    } else if run.len() > 1 && moved_down() {
        faults.push(Fault::Inserted { position });
    } else {
        faults.extend(run.iter().map(|one| match places.get(&one.event) {
            Some(&from) => Fault::Moved {
                position: one.position,
                from,
            },
            None => Fault::Altered {
                position: one.position,
                rehashed: one.rehashed,
            },
        }));
    }
}

/// The tiles of leaves that are wrong, each once.
fn tiles(run: &[Differs]) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let mut last = None;
    for one in run {
        let index = (one.position - 1) / TILE_WIDTH as u64;
        if last.replace(index) != Some(index) {
            faults.push(Fault::Tile {
                position: one.position,
                level: 0,
                index,
            });
        }
    }
    faults
}
