//! Checkpoints: made, read again, and refused when anything about them is changed.

use proofs::{Checkpoint, CheckpointError, Hash, NoteError, SignedNote, SignerKey};
use proptest::prelude::*;

const ORIGIN: &str = "comptoir.example/log";

fn signer() -> SignerKey {
    SignerKey::from_seed(ORIGIN, &[7; 32]).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint::new(ORIGIN, 20_852_163, Hash([9; 32])).unwrap()
}

#[test]
fn its_text() {
    let root = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
    let text = format!("{ORIGIN}\n20852163\n{root}\n");
    assert_eq!(checkpoint().text(), text);
    assert_eq!(Checkpoint::parse(&text), Ok(checkpoint()));
}

#[test]
fn every_changed_byte_is_refused() {
    let (signer, checkpoint) = (signer(), checkpoint());
    let note = checkpoint.sign(&signer).unwrap();
    assert_eq!(
        Checkpoint::open(&note, signer.verifier_key()),
        Ok(checkpoint)
    );
    for at in 0..note.len() {
        for flip in [1, 2, 4, 0x20, 0x80] {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= flip;
            if let Ok(changed) = String::from_utf8(bytes) {
                assert!(
                    Checkpoint::open(&changed, signer.verifier_key()).is_err(),
                    "{changed}"
                );
            }
        }
        let mut bytes = note.clone().into_bytes();
        bytes.remove(at);
        if let Ok(changed) = String::from_utf8(bytes) {
            assert!(
                Checkpoint::open(&changed, signer.verifier_key()).is_err(),
                "{changed}"
            );
        }
    }
}

#[test]
fn another_key_of_the_same_name_has_not_signed() {
    let note = checkpoint().sign(&signer()).unwrap();
    let other = SignerKey::from_seed(ORIGIN, &[8; 32]).unwrap();
    let refused = Checkpoint::open(&note, other.verifier_key()).unwrap_err();
    let key = other.verifier_key().to_string();
    assert_eq!(refused, CheckpointError::Note(NoteError::NotSigned(key)));
}

#[test]
fn a_key_signs_checkpoints_of_its_own_log_alone() {
    let other = SignerKey::from_seed("another.example", &[7; 32]).unwrap();
    let refused = checkpoint().sign(&other).unwrap_err();
    assert!(matches!(refused, CheckpointError::OtherLog { .. }));
    let note = SignedNote::sign(&checkpoint().text(), &other)
        .unwrap()
        .to_string();
    let refused = Checkpoint::open(&note, other.verifier_key()).unwrap_err();
    assert!(matches!(refused, CheckpointError::OtherLog { .. }));
}

#[test]
fn forms_that_are_refused() {
    let root = Hash([9; 32]);
    let parse = |text: String| Checkpoint::parse(&text).unwrap_err();
    assert_eq!(parse(format!("a\n1\n{root}")), CheckpointError::Lines);
    assert_eq!(parse("a\n1\n".to_owned()), CheckpointError::Lines);
    assert_eq!(parse(format!("\n1\n{root}\n")), CheckpointError::Origin);
    for size in [
        "",
        "01",
        "00",
        "+1",
        "-1",
        " 1",
        "1 ",
        "0x1",
        "1e3",
        "18446744073709551616",
        "١",
    ] {
        assert_eq!(
            parse(format!("a\n{size}\n{root}\n")),
            CheckpointError::Size,
            "{size}"
        );
    }
    assert_eq!(parse("a\n1\nCQkJ\n".to_owned()), CheckpointError::Root);
    assert_eq!(parse(format!("a\n1\n {root}\n")), CheckpointError::Root);
    assert_eq!(parse(format!("a\n0\n{root}\n")), CheckpointError::EmptyRoot);
    assert_eq!(
        parse(format!("a\n1\n{root}\n\n")),
        CheckpointError::Extension
    );
    assert!(Checkpoint::new("a\nb", 1, root).is_err());
    assert!(checkpoint().with_extension("a\nb").is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn round_trip(size in 1u64.., root in any::<[u8; 32]>(), lines in prop::collection::vec("[ -~é]{1,20}", 0..3)) {
        let signer = signer();
        let mut checkpoint = Checkpoint::new(ORIGIN, size, Hash(root)).unwrap();
        for line in &lines {
            checkpoint = checkpoint.with_extension(line).unwrap();
        }
        let note = checkpoint.sign(&signer).unwrap();
        let opened = Checkpoint::open(&note, signer.verifier_key()).unwrap();
        prop_assert_eq!(opened.extensions(), &lines[..]);
        prop_assert_eq!(opened, checkpoint);
    }

    #[test]
    fn the_parser_never_panics(text in "[a0-9\n=+]{0,80}", any in ".{0,80}") {
        let _ = Checkpoint::parse(&any);
        if let Ok(checkpoint) = Checkpoint::parse(&text) {
            prop_assert_eq!(checkpoint.text(), text);
        }
    }
}
