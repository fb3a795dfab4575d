//! Signed notes: the example of Go's `note` package, and what a strict parser refuses.

use proofs::{KeyError, MAX_SIGNATURES, NoteError, SignedNote, SignerKey, VerifierKey};
use proptest::prelude::*;

const VERIFIER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const SIGNER: &str =
    "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const TEXT: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n";
const LINE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

fn key() -> VerifierKey {
    VerifierKey::parse(VERIFIER).unwrap()
}

fn parse(note: &str) -> NoteError {
    SignedNote::parse(note).unwrap_err()
}

#[test]
fn the_example_of_go_is_verified_and_made() {
    let note = format!("{TEXT}\n{LINE}");
    let parsed = SignedNote::parse(&note).unwrap();
    assert_eq!(parsed.verify(&key()), Ok(TEXT));
    assert_eq!(parsed.to_string(), note);
    let signer = SignerKey::parse(SIGNER).unwrap();
    assert_eq!(signer.verifier_key(), &key());
    assert_eq!(SignedNote::sign(TEXT, &signer).unwrap(), parsed);
    assert_eq!(key().to_string(), VERIFIER);
    assert_eq!(signer.to_secret_text(), SIGNER);
    assert!(!format!("{signer:?}").contains("AYEKFALV"));
}

#[test]
fn keys_are_read_strictly() {
    let parse = |text: &str| VerifierKey::parse(text).unwrap_err();
    assert_eq!(parse("PeterNeumann"), KeyError::Form);
    assert_eq!(parse(&VERIFIER[..VERIFIER.len() - 4]), KeyError::Form);
    assert_eq!(
        parse(&VERIFIER.replace("c74f20a3", "c74f20a4")),
        KeyError::Hash
    );
    assert_eq!(
        parse(&VERIFIER.replace("c74f20a3", "C74F20A3")),
        KeyError::Hash
    );
    assert_eq!(parse(&VERIFIER.replace("PeterN", "PaterN")), KeyError::Hash);
    assert_eq!(parse(&VERIFIER.replace("+AR", "+Ah")), KeyError::Type(2));
    assert_eq!(parse(&VERIFIER.replace("Peter", "Peter ")), KeyError::Name);
    assert_eq!(
        SignerKey::parse(VERIFIER).unwrap_err(),
        KeyError::SignerForm
    );
    assert!(SignerKey::from_seed("a\u{a0}b", &[1; 32]).is_err());
}

#[test]
fn signatures_of_other_keys_do_not_count() {
    let name_alone = "— PeterNeumann AAAAAAAA\n";
    let other = "— somebody.example x08go/ZJ\n";
    let note = format!("{TEXT}\n{name_alone}{other}{LINE}");
    assert_eq!(SignedNote::parse(&note).unwrap().verify(&key()), Ok(TEXT));
    let note = format!("{TEXT}\n{name_alone}{other}");
    let refused = SignedNote::parse(&note)
        .unwrap()
        .verify(&key())
        .unwrap_err();
    assert_eq!(refused, NoteError::NotSigned(VERIFIER.to_owned()));
}

#[test]
fn one_wrong_signature_of_the_key_spoils_the_note() {
    let wrong = LINE.replace("x08go/ZJ", "x08go/ZK");
    for lines in [format!("{wrong}{LINE}"), format!("{LINE}{wrong}")] {
        let note = SignedNote::parse(&format!("{TEXT}\n{lines}")).unwrap();
        let refused = note.verify(&key()).unwrap_err();
        assert_eq!(refused, NoteError::WrongSignature(VERIFIER.to_owned()));
    }
}

#[test]
fn forms_that_are_refused() {
    assert_eq!(parse(""), NoteError::NoEmptyLine);
    assert_eq!(parse(&format!("{TEXT}{LINE}")), NoteError::NoEmptyLine);
    assert_eq!(parse(&format!("{TEXT}\n")), NoteError::NoEnd);
    assert_eq!(
        parse(format!("{TEXT}\n{LINE}").trim_end()),
        NoteError::NoEnd
    );
    assert_eq!(
        parse(&format!("a\r\n\n{LINE}")),
        NoteError::ControlCharacter(13)
    );
    assert_eq!(
        parse(&format!("a\0\n\n{LINE}")),
        NoteError::ControlCharacter(0)
    );
    let many = LINE.repeat(MAX_SIGNATURES + 1);
    assert_eq!(
        parse(&format!("{TEXT}\n{many}")),
        NoteError::TooManySignatures
    );
    assert!(SignedNote::parse(&format!("{TEXT}\n{}", LINE.repeat(MAX_SIGNATURES))).is_ok());
    assert!(matches!(
        parse(&"a".repeat(1_000_001)),
        NoteError::TooLong(_)
    ));
    for line in [
        "- a x08go/ZJ",
        "—a x08go/ZJ",
        "— a",
        "— a b x08go/ZJ",
        "— a x08go/Z",
        "— a AAAA",
        "— a AAAAAA==",
        "— a+b x08go/ZJ",
        "—  x08go/ZJ",
        "— a x08go/ZJ ",
    ] {
        let note = format!("{TEXT}\n{LINE}{line}\n");
        assert_eq!(parse(&note), NoteError::SignatureLine(2), "{line}");
    }
}

#[test]
fn texts_that_are_not_signed() {
    let signer = SignerKey::parse(SIGNER).unwrap();
    for text in ["", "a", "a\t\n"] {
        assert_eq!(SignedNote::sign(text, &signer), Err(NoteError::Text));
    }
    let long = "a".repeat(1_000_000) + "\n";
    assert!(matches!(
        SignedNote::sign(&long, &signer),
        Err(NoteError::TooLong(_))
    ));
}

proptest! {
    #[test]
    fn the_parser_never_panics(note in ".{0,200}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = SignedNote::parse(&note);
        let _ = SignedNote::parse(&String::from_utf8_lossy(&bytes));
        let _ = VerifierKey::parse(&note);
        let _ = SignerKey::parse(&note);
    }

    #[test]
    fn what_is_nearly_a_note_never_panics(note in "[a\n— +=/\u{0}]{0,60}") {
        if let Ok(parsed) = SignedNote::parse(&note) {
            prop_assert_eq!(parsed.to_string(), note);
        }
    }

    #[test]
    fn any_text_is_signed_and_read_again(text in "([a-zé\n ]{0,30}\n){1,3}") {
        let signer = SignerKey::parse(SIGNER).unwrap();
        let note = SignedNote::sign(&text, &signer).unwrap().to_string();
        let parsed = SignedNote::parse(&note).unwrap();
        prop_assert_eq!(parsed.verify(&key()), Ok(text.as_str()));
    }
}
