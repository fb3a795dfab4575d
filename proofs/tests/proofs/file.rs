//! Proof files: written, read, checked with a public key, and told what is wrong with them.

use std::sync::LazyLock;

use proofs::{
    CheckError, Checkpoint, ConsistencyProof, Hash, InclusionProof, LeafInput, Proof, SignerKey,
    Verdict, VerifierKey, check, consistency_path, inclusion_path, leaf_hash,
};
use proptest::prelude::*;

use crate::definition::{self, Memory, leaves};

/// A file, and what it proves.
static CHECKED: LazyLock<(String, Verdict)> = LazyLock::new(|| {
    let proof = Proof::Inclusion(inclusion());
    (proof.to_json().unwrap(), check(&proof, &key()).unwrap())
});

const ORIGIN: &str = "comptoir.example/log";

fn signer() -> SignerKey {
    SignerKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

fn key() -> VerifierKey {
    signer().verifier_key().clone()
}

fn note(tree: &Memory, size: usize) -> String {
    let root = definition::root(&tree.0[..size]);
    let checkpoint = Checkpoint::new(ORIGIN, size as u64, root).unwrap();
    checkpoint.sign(&signer()).unwrap()
}

/// Of the event at position 5 of 13.
fn inclusion() -> InclusionProof {
    let tree = Memory(leaves(13));
    InclusionProof {
        version: Proof::VERSION,
        position: 5,
        leaf_hash: tree.0[4],
        leaf_input: Some(LeafInput(4u64.to_be_bytes().to_vec())),
        tree_size: 13,
        path: inclusion_path(&tree, 4, 13).unwrap(),
        checkpoint: note(&tree, 13),
    }
}

fn consistency() -> ConsistencyProof {
    let tree = Memory(leaves(13));
    ConsistencyProof {
        version: Proof::VERSION,
        first: note(&tree, 6),
        second: note(&tree, 13),
        path: consistency_path(&tree, 6, 13).unwrap(),
    }
}

fn refusal(change: impl FnOnce(&mut InclusionProof)) -> String {
    let mut proof = inclusion();
    change(&mut proof);
    check(&Proof::Inclusion(proof), &key())
        .unwrap_err()
        .to_string()
}

fn refusal_of_consistency(change: impl FnOnce(&mut ConsistencyProof)) -> String {
    let mut proof = consistency();
    change(&mut proof);
    check(&Proof::Consistency(proof), &key())
        .unwrap_err()
        .to_string()
}

#[test]
fn an_event_is_in_the_log() {
    let proof = Proof::Inclusion(inclusion());
    let read = Proof::parse(&proof.to_json().unwrap()).unwrap();
    assert_eq!(read, proof);
    let verdict = check(&read, &key()).unwrap();
    assert!(matches!(verdict, Verdict::Included { position: 5, .. }));
    let said = verdict.to_string();
    assert!(
        said.starts_with("position 5 of comptoir.example/log is the event"),
        "{said}"
    );
}

#[test]
fn the_log_only_grew() {
    let proof = Proof::Consistency(consistency());
    let read = Proof::parse(&proof.to_json().unwrap()).unwrap();
    assert_eq!(read, proof);
    let said = check(&read, &key()).unwrap().to_string();
    assert!(
        said.starts_with("comptoir.example/log only grew from size 6"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_is_said() {
    let other = leaf_hash(b"other");
    let said = refusal(|proof| proof.version = 2);
    assert_eq!(said, "the proof has version 2, only 1 is known");
    let said = refusal(|proof| proof.tree_size = 12);
    assert_eq!(
        said,
        "the proof is for a tree of size 12, the checkpoint is of one of size 13"
    );
    for position in [0, 14, u64::MAX] {
        let said = refusal(|proof| proof.position = position);
        assert!(
            said.ends_with("is not in 1 to 13, the size of the tree"),
            "{said}"
        );
    }
    let said = refusal(|proof| proof.leaf_hash = other);
    assert!(
        said.starts_with("the leaf is another: its input hashes to"),
        "{said}"
    );
    let said = refusal(|proof| {
        proof.leaf_hash = other;
        proof.leaf_input = None;
    });
    assert!(
        said.starts_with("the path leads from the leaf to the root"),
        "{said}"
    );
    let said = refusal(|proof| proof.path[0] = other);
    assert!(
        said.starts_with("the path leads from the leaf to the root"),
        "{said}"
    );
    let said = refusal(|proof| proof.path.truncate(1));
    assert_eq!(said, "the path has too few hashes (1) for these sizes");
    let said = refusal(|proof| proof.path.push(other));
    assert_eq!(said, "the path has too many hashes (5) for these sizes");
    let said = refusal(|proof| proof.checkpoint = proof.checkpoint.replace("\n13\n", "\n14\n"));
    assert!(
        said.starts_with("the checkpoint is not to be trusted: the signature of the key"),
        "{said}"
    );
}

#[test]
fn what_is_wrong_between_checkpoints_is_said() {
    let said = refusal_of_consistency(|proof| std::mem::swap(&mut proof.first, &mut proof.second));
    assert_eq!(said, "the later tree size 6 is below the earlier one, 13");
    let said = refusal_of_consistency(|proof| proof.path[1] = Hash([0; 32]));
    assert!(said.starts_with("the path gives the"), "{said}");
    let said = refusal_of_consistency(|proof| proof.second.push('\n'));
    assert!(
        said.starts_with("the second checkpoint is not to be trusted"),
        "{said}"
    );

    let mut rewritten = Memory(leaves(13));
    rewritten.0[2] = leaf_hash(b"rewritten");
    let said = refusal_of_consistency(|proof| {
        proof.second = note(&rewritten, 13);
        proof.path = consistency_path(&rewritten, 6, 13).unwrap();
    });
    assert!(
        said.starts_with("the path gives the earlier tree the root"),
        "{said}"
    );
}

#[test]
fn files_that_are_refused() {
    let json = Proof::Inclusion(inclusion()).to_json().unwrap();
    let refused = |json: &str| match Proof::parse(json) {
        Err(CheckError::Unreadable(_)) => {}
        other => panic!("{other:?}"),
    };
    refused("");
    refused("{}");
    refused(&json.replace("inclusion", "exclusion"));
    refused(&json.replace("\"position\": 5", "\"position\": -5"));
    refused(&json.replace("\"position\": 5", "\"position\": 5, \"position\": 6"));
    refused(&json.replace("\"position\": 5", "\"position\": 5, \"note\": \"\""));
    refused(&json.replacen("=\",", "\",", 1));
    refused(&json[..json.len() - 1]);
}

proptest! {
    #[test]
    fn reading_never_panics(text in ".{0,200}") {
        let _ = Proof::parse(&text);
    }

    #[test]
    fn a_changed_file_is_no_other_proof(at in any::<prop::sample::Index>(), byte in 0x20u8..0x7f) {
        let (json, verdict) = &*CHECKED;
        let mut bytes = json.clone().into_bytes();
        bytes[at.index(json.len())] = byte;
        let Ok(changed) = String::from_utf8(bytes) else { return Ok(()) };
        if let Ok(other) = Proof::parse(&changed).and_then(|proof| check(&proof, &key())) {
            prop_assert_eq!(&other, verdict);
        }
    }
}
