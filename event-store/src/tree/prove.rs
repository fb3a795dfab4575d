//! Proofs from the tiles.

use proofs::{
    ConsistencyProof, Hash, InclusionProof, LeafInput, Proof, consistency_path, consistency_tiles,
    inclusion_path, inclusion_tiles,
};
use sqlx::PgPool;

use super::sign::{self, Signed};
use super::{Error, store};
use crate::leaf::{leaf_hash, leaf_input};
use crate::pick;
use crate::recorded::Position;

/// That the event at `position` is in the tree of the last checkpoint. With the event itself where
/// `with_event` is set: what is personal in it stays sealed.
///
/// # Errors
/// [`Error::NoEvent`], [`Error::NotCovered`]; else see [`Error`].
pub async fn inclusion(
    log: &PgPool,
    position: Position,
    with_event: bool,
) -> Result<InclusionProof, Error> {
    let events = pick::at(log, &[position]).await?;
    let event = events.first().ok_or(Error::NoEvent(position))?;
    let signed = sign::latest(log).await?;
    let signed = signed.filter(|signed| signed.size >= position.unsigned_abs());
    let signed = signed.ok_or(Error::NotCovered(position))?;
    let index = position.unsigned_abs() - 1;
    let tiles = store::nodes(log, inclusion_tiles(index, signed.size)).await?;
    Ok(InclusionProof {
        version: Proof::VERSION,
        position: position.unsigned_abs(),
        leaf_hash: Hash(leaf_hash(event)),
        leaf_input: with_event.then(|| LeafInput(leaf_input(event))),
        tree_size: signed.size,
        path: inclusion_path(&tiles, index, signed.size)?,
        checkpoint: signed.note,
    })
}

/// That the tree of the checkpoint of size `second` (the last, unless told) begins with that of the
/// checkpoint of size `first`.
///
/// # Errors
/// [`Error::NoCheckpoint`]; else see [`Error`].
pub async fn consistency(
    log: &PgPool,
    first: u64,
    second: Option<u64>,
) -> Result<ConsistencyProof, Error> {
    let first = of_size(log, first).await?;
    let second = match second {
        Some(size) => of_size(log, size).await?,
        None => sign::latest(log).await?.ok_or(Error::NoCheckpoint(0))?,
    };
    let tiles = store::nodes(log, consistency_tiles(first.size, second.size)).await?;
    Ok(ConsistencyProof {
        version: Proof::VERSION,
        path: consistency_path(&tiles, first.size, second.size)?,
        first: first.note,
        second: second.note,
    })
}

async fn of_size(log: &PgPool, size: u64) -> Result<Signed, Error> {
    let mut found = sign::checkpoints(log, size, size, None).await?;
    found.pop().ok_or(Error::NoCheckpoint(size))
}
