//! Sealing and opening payloads.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::borrow::Cow;
use std::sync::Arc;

use uuid::Uuid;

use super::key::{Key, random};
use super::*;

const AWA: Uuid = Uuid::from_u128(0xa);
const BA: Uuid = Uuid::from_u128(0xb);
const HERE: Place<'static> = Place {
    aggregate_type: "identity.account",
    aggregate_id: AWA,
    name: "AccountRegistered",
};

fn keys_of(persons: &[Uuid]) -> Keys {
    let mut keys = Keys::default();
    for person in persons {
        let key = Key::new(&random().unwrap()).unwrap();
        keys.insert(*person, Some(Arc::new(key)));
    }
    keys
}

fn of(person: Uuid, value: &str) -> String {
    format!(r#"{{"personal_of":"{person}","value":{value}}}"#)
}

/// Two persons, at any depth, among things that a parser might change.
fn payload() -> String {
    format!(
        r#"{{"z":0.30000000000000004,"type":"X","a/b":[1.0,{},{{"n":{}}}],"t":"\u00e9 \"personal_of\""}}"#,
        of(AWA, r#""Awa \"personal_of\" Ndiaye""#),
        of(BA, r#"{"street":["x",1e400]}"#),
    )
}

#[test]
fn what_is_sealed_opens_to_the_very_bytes_and_hides_the_values() {
    let keys = keys_of(&[AWA, BA]);
    let payload = payload();
    assert_eq!(persons_to_seal(&payload).unwrap(), [AWA, BA]);
    let sealed = seal_with(&keys, &HERE, &payload).unwrap();
    assert!(
        !sealed.contains("Ndiaye") && !sealed.contains("street"),
        "{sealed}"
    );
    assert!(
        sealed.starts_with(r#"{"z":0.30000000000000004,"type":"X","a/b":[1.0,{"personal_of":"#)
    );
    assert!(persons_to_seal(&sealed).unwrap().is_empty());
    assert_eq!(persons_to_open(&sealed).unwrap(), [AWA, BA]);
    assert_eq!(open_with(&keys, &HERE, &sealed).unwrap(), payload);
    // Sealed or opened again nothing changes.
    assert_eq!(seal_with(&keys, &HERE, &sealed).unwrap(), sealed);
    assert_eq!(open_with(&keys, &HERE, &payload).unwrap(), payload);
}

#[test]
fn what_is_not_personal_stays() {
    let plain = r#"{ "type" : "X", "text":"personal_of" }"#;
    let sealed = seal_with(&Keys::default(), &HERE, r#"{"a":1}"#).unwrap();
    assert!(matches!(sealed, Cow::Borrowed(_)));
    assert_eq!(
        seal_with(&Keys::default(), &HERE, plain).unwrap(),
        r#"{"type":"X","text":"personal_of"}"#
    );
}

#[test]
fn a_destroyed_key_opens_to_null_and_seals_nothing() {
    let keys = keys_of(&[AWA, BA]);
    let sealed = seal_with(&keys, &HERE, &payload()).unwrap().into_owned();
    let mut erased = keys.clone();
    erased.insert(AWA, None);
    let opened = open_with(&erased, &HERE, &sealed).unwrap();
    assert!(
        opened.contains(&of(AWA, "null")) && opened.contains("street"),
        "{opened}"
    );
    let refused = seal_with(&erased, &HERE, &payload()).unwrap_err();
    assert!(matches!(refused, Error::Erased(AWA)));
    // Null is nothing to seal, and needs no key.
    let nothing = of(AWA, "null");
    assert_eq!(
        seal_with(&Keys::default(), &HERE, &nothing).unwrap(),
        nothing
    );
}

#[test]
fn a_person_who_never_had_a_key_is_an_error_and_not_an_erasure() {
    let sealed = seal_with(&keys_of(&[AWA]), &HERE, &of(AWA, "1"))
        .unwrap()
        .into_owned();
    let error = open_with(&keys_of(&[BA]), &HERE, &sealed).unwrap_err();
    assert!(matches!(error, Error::NoKey(AWA)));
}

#[test]
fn a_ciphertext_opens_nowhere_else() {
    let keys = keys_of(&[AWA, BA]);
    let payload = format!(r#"{{"name":{},"n":{{}}}}"#, of(AWA, r#""Awa""#));
    let sealed = seal_with(&keys, &HERE, &payload).unwrap().into_owned();
    let elsewhere = [
        Place {
            aggregate_id: BA,
            ..HERE
        },
        Place {
            aggregate_type: "identity.other",
            ..HERE
        },
        Place {
            name: "AccountRenamed",
            ..HERE
        },
    ];
    for place in elsewhere {
        let error = open_with(&keys, &place, &sealed).unwrap_err();
        assert!(
            matches!(error, Error::Forged { person: AWA, .. }),
            "{error}"
        );
    }
    for moved in [
        sealed.replace("\"name\"", "\"email\""),
        sealed.replace(&AWA.to_string(), &BA.to_string()),
        sealed.replace("\"sealed\":\"", "\"sealed\":\"AA"),
        sealed.replace("\"sealed\":\"", "\"sealed\":\"-"),
    ] {
        let error = open_with(&keys, &HERE, &moved).unwrap_err();
        assert!(matches!(error, Error::Forged { .. }), "{moved}");
    }
}

#[test]
fn what_is_marked_and_not_of_the_form_is_an_error() {
    let keys = keys_of(&[AWA, BA]);
    let nested = of(AWA, &of(BA, "1"));
    for payload in [
        r#"{"personal_of":"nobody","value":1}"#,
        r#"{"value":1,"personal_of":"00000000-0000-0000-0000-00000000000a"}"#,
        r#"{"personal_of":"00000000-0000-0000-0000-00000000000a"}"#,
        r#"{"personal_of":"00000000-0000-0000-0000-00000000000a","value":1,"more":2}"#,
        r#"{"personal_of":"00000000-0000-0000-0000-00000000000a","sealed":1}"#,
        &nested,
    ] {
        let payload = format!(r#"{{"a":[{payload}]}}"#);
        let error = seal_with(&keys, &HERE, &payload).unwrap_err();
        assert!(
            matches!(&error, Error::Malformed(path) if path == "/a/0"),
            "{error}"
        );
    }
    assert!(matches!(
        persons_to_seal(r#"{"personal_of""#).unwrap_err(),
        Error::NotJson(_)
    ));
}
