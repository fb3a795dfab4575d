//! From a proof and a public key to a verdict. Nothing else is trusted.

use std::fmt;

use crate::file::format::{ConsistencyProof, InclusionProof, Proof};
use crate::hash::{self, Hash};
use crate::note::checkpoint::{Checkpoint, CheckpointError};
use crate::note::key::VerifierKey;
use crate::tree::verify::{VerifyError, verify_consistency, verify_inclusion};

/// What a proof has proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The event with this leaf hash is at this position of the log.
    Included {
        /// From 1.
        position: u64,
        /// Of the event.
        leaf_hash: Hash,
        /// The tree that it is in.
        checkpoint: Checkpoint,
    },
    /// The later tree begins with all leaves of the earlier one, in their order.
    Consistent {
        /// The earlier tree.
        first: Checkpoint,
        /// The later tree.
        second: Checkpoint,
    },
}

/// Why a proof proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// No proof file.
    #[error("the proof can't be read: {0}")]
    Unreadable(String),
    /// Of another version of this program.
    #[error("the proof has version {0}, only {version} is known", version = Proof::VERSION)]
    Version(u32),
    /// The checkpoint of an inclusion proof.
    #[error("the checkpoint is not to be trusted: {0}")]
    Checkpoint(#[source] CheckpointError),
    /// The earlier checkpoint of a consistency proof.
    #[error("the first checkpoint is not to be trusted: {0}")]
    FirstCheckpoint(#[source] CheckpointError),
    /// The later checkpoint of a consistency proof.
    #[error("the second checkpoint is not to be trusted: {0}")]
    SecondCheckpoint(#[source] CheckpointError),
    /// The proof is for another tree than the checkpoint.
    #[error(
        "the proof is for a tree of size {proof}, the checkpoint is of one of size {checkpoint}"
    )]
    Size {
        /// In the proof.
        proof: u64,
        /// In the checkpoint.
        checkpoint: u64,
    },
    /// No such place in the tree.
    #[error("the position {position} is not in 1 to {size}, the size of the tree")]
    Position {
        /// In the proof.
        position: u64,
        /// Of the tree.
        size: u64,
    },
    /// The event in the proof is not the one that it proves.
    #[error("the leaf is another: its input hashes to {found}, the proof is of {leaf_hash}")]
    Leaf {
        /// Of the input.
        found: Hash,
        /// In the proof.
        leaf_hash: Hash,
    },
    /// The path fails.
    #[error(transparent)]
    Path(#[from] VerifyError),
}

/// Checks a proof with the public key of the log.
pub fn check(proof: &Proof, key: &VerifierKey) -> Result<Verdict, CheckError> {
    match proof {
        Proof::Inclusion(proof) => check_inclusion(proof, key),
        Proof::Consistency(proof) => check_consistency(proof, key),
    }
}

fn check_inclusion(proof: &InclusionProof, key: &VerifierKey) -> Result<Verdict, CheckError> {
    check_version(proof.version)?;
    let checkpoint = Checkpoint::open(&proof.checkpoint, key).map_err(CheckError::Checkpoint)?;
    let (position, size) = (proof.position, checkpoint.size());
    if proof.tree_size != size {
        return Err(CheckError::Size {
            proof: proof.tree_size,
            checkpoint: size,
        });
    }
    let leaf_hash = proof.leaf_hash;
    check_leaf(proof)?;
    let index = position
        .checked_sub(1)
        .filter(|&index| index < size)
        .ok_or(CheckError::Position { position, size })?;
    verify_inclusion(leaf_hash, index, size, &proof.path, checkpoint.root())?;
    Ok(Verdict::Included {
        position,
        leaf_hash,
        checkpoint,
    })
}

fn check_consistency(proof: &ConsistencyProof, key: &VerifierKey) -> Result<Verdict, CheckError> {
    check_version(proof.version)?;
    let first = Checkpoint::open(&proof.first, key).map_err(CheckError::FirstCheckpoint)?;
    let second = Checkpoint::open(&proof.second, key).map_err(CheckError::SecondCheckpoint)?;
    verify_consistency(
        first.size(),
        first.root(),
        second.size(),
        second.root(),
        &proof.path,
    )?;
    Ok(Verdict::Consistent { first, second })
}

fn check_version(version: u32) -> Result<(), CheckError> {
    if version != Proof::VERSION {
        return Err(CheckError::Version(version));
    }
    Ok(())
}

fn check_leaf(proof: &InclusionProof) -> Result<(), CheckError> {
    let leaf_hash = proof.leaf_hash;
    let input = proof.leaf_input.as_ref();
    match input.map(|input| hash::leaf_hash(&input.0)) {
        Some(found) if found != leaf_hash => Err(CheckError::Leaf { found, leaf_hash }),
        _ => Ok(()),
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Included {
                position,
                leaf_hash,
                checkpoint,
            } => write!(
                f,
                "position {position} of {} is the event with the leaf hash {leaf_hash}, \
                 in the tree of size {} with the root {}",
                checkpoint.origin(),
                checkpoint.size(),
                checkpoint.root(),
            ),
            Verdict::Consistent { first, second } => write!(
                f,
                "{} only grew from size {} (root {}) to size {} (root {})",
                first.origin(),
                first.size(),
                first.root(),
                second.size(),
                second.root(),
            ),
        }
    }
}
