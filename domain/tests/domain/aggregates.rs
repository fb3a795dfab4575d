//! Every decider is in the table of its context: else an auditor could not fold its streams.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The types of all deciders, by the sources.
fn deciders(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            deciders(&path, found);
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        let written = source.split("impl Decider for").skip(1);
        found.extend(written.map(|rest| {
            let (_, rest) = rest.split_once("const TYPE: &'static str = \"").unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        }));
    }
}

#[test]
fn every_decider_is_an_aggregate_of_its_context() {
    let mut written = BTreeSet::new();
    deciders(
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")),
        &mut written,
    );
    let all = domain::aggregates();
    let listed: Vec<&str> = all.iter().map(|kind| kind.aggregate_type).collect();
    let distinct: BTreeSet<String> = listed.iter().map(|one| (*one).to_owned()).collect();
    assert_eq!(distinct, written);
    assert_eq!(
        listed.len(),
        written.len(),
        "one is listed twice: {listed:?}"
    );
    for aggregate_type in listed {
        let context = aggregate_type.split('.').next().unwrap();
        assert!(domain::CONTEXTS.contains(&context), "{aggregate_type}");
    }
}

/// What was ever stored stays readable, so its aggregate stays listed.
#[test]
fn what_was_ever_stored_can_be_folded() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/domain/stored");
    let all = domain::aggregates();
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let stored = file.file_stem().unwrap().to_str().unwrap();
        let is_listed = all.iter().any(|kind| kind.aggregate_type == stored);
        assert!(is_listed, "{stored} is in no table");
    }
}
