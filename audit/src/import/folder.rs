//! The folder of an export: its manifest, and whether that is one of a whole log.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::Path;

use event_store::Topic;
use event_store::import::Imported;
use sha2::{Digest, Sha256};

use super::fault::Faults;
use super::signed::Signed;
use crate::manifest::{FORMAT, MANIFEST, Manifest};

/// The most partitions of a topic.
const MOST_PARTITIONS: u32 = 10_000;

/// Reads the manifest in `folder`; none when it is not of its form, which is among the faults then.
///
/// # Errors
/// When it can't be read.
pub(super) fn manifest(
    folder: &Path,
    faults: &mut Faults,
) -> io::Result<Option<(Manifest, Imported)>> {
    let bytes = fs::read(folder.join(MANIFEST))?;
    let manifest: Manifest = match serde_json::from_slice(&bytes) {
        Ok(manifest) => manifest,
        Err(error) => {
            faults.add(MANIFEST, None, format!("it is no manifest: {error}"));
            return Ok(None);
        }
    };
    for what in wrong_with(&manifest) {
        faults.add(MANIFEST, None, what);
    }
    let signed = Signed::of(&manifest.checkpoints, |what| {
        faults.add(MANIFEST, None, what)
    });
    let topic = |of: &crate::manifest::TopicOf| (of.context.clone(), of.topic());
    let imported = Imported {
        manifest: Sha256::digest(&bytes).into(),
        epoch: manifest.epoch,
        last: manifest.last,
        topics: manifest.topics.iter().map(topic).collect(),
        checkpoints: signed.iter().map(Signed::row).collect(),
    };
    Ok(Some((manifest, imported)))
}

fn wrong_with(manifest: &Manifest) -> Vec<String> {
    let mut wrong = Vec::new();
    if manifest.format != FORMAT {
        let format = manifest.format;
        wrong.push(format!(
            "its format is {format}, and this program reads the format {FORMAT}"
        ));
    }
    if !manifest.complete {
        wrong.push("the export is not complete: run it again, it goes on where it was".to_owned());
    }
    if !manifest.is_whole() {
        wrong.push(
            "it is a part of a log, and only a whole one can be imported: from position 1 on, and of every context"
                .to_owned(),
        );
    }
    wrong.extend(wrong_with_topics(manifest));
    wrong.extend(wrong_with_files(manifest));
    wrong
}

fn wrong_with_topics(manifest: &Manifest) -> Vec<String> {
    let mut seen = HashSet::new();
    let topics = manifest.topics.iter();
    let wrong = topics.filter(|of| {
        let Topic {
            generation,
            partitions,
        } = of.topic();
        let counts = generation > 0 && (1..=MOST_PARTITIONS).contains(&partitions);
        !counts || !seen.insert(&of.context)
    });
    wrong
        .map(|of| format!("the topic of {} is none", of.context))
        .collect()
}

fn wrong_with_files(manifest: &Manifest) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut last = manifest.first - 1;
    for file in &manifest.files {
        if file.name.contains(['/', '\\']) {
            wrong.push(format!("{} is no name of a file in this folder", file.name));
        }
        if file.first != last + 1 || file.last < file.first {
            wrong.push(format!("{} does not follow the file before it", file.name));
        }
        last = file.last;
    }
    if last != manifest.last {
        wrong.push(format!(
            "the files end at position {last}, and the log at {}",
            manifest.last
        ));
    }
    wrong
}
