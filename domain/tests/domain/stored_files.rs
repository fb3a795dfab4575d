//! The files of `stored`: every JSON that was ever stored, an entry an event and version. Entries
//! are added when an event is new or has a new version; none is changed or taken away.

use std::fmt::Write as _;
use std::path::PathBuf;

use domain::decider::Event;
use domain::streams::stored_json;
use domain::upcast::{StoredEvent, read};

/// One form in which an event was stored.
struct Entry {
    name: String,
    version: u16,
    json: String,
}

/// Holds `samples` against the file of `aggregate_type`. With `STORED_EVENTS=add` in the
/// environment, forms that are not in it yet are added.
#[track_caller]
pub(crate) fn hold_against_file<E: Event>(aggregate_type: &str, samples: &[E]) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/domain/stored");
    let file = PathBuf::from(folder).join(format!("{aggregate_type}.txt"));
    let recorded = std::fs::read_to_string(&file).unwrap_or_default();
    let adding = std::env::var("STORED_EVENTS").is_ok_and(|value| value == "add");
    match compare(samples, &recorded) {
        Err(why) => panic!("{aggregate_type}: {why}"),
        Ok(new) if new.is_empty() => {}
        Ok(new) if adding => std::fs::write(&file, format!("{recorded}{new}")).unwrap(),
        Ok(new) => panic!(
            "{aggregate_type}: not yet in {}; STORED_EVENTS=add cargo test -p domain adds it:\n{new}",
            file.display()
        ),
    }
}

/// What is to be added to `recorded` for `samples`; or which law of stored events is broken.
pub(crate) fn compare<E: Event>(samples: &[E], recorded: &str) -> Result<String, String> {
    let entries = parse(recorded)?;
    every_upcaster_has_its_entry::<E>(&entries)?;
    for entry in &entries {
        still_read::<E>(entry)?;
    }
    let mut new = String::new();
    for sample in samples {
        let (name, version, json) = (sample.name(), sample.version(), stored_json(sample));
        match find(&entries, name, version) {
            None if entries.is_empty() && new.is_empty() => {
                write!(new, "{name}, version {version}\n{json}\n").unwrap();
            }
            None => write!(new, "\n{name}, version {version}\n{json}\n").unwrap(),
            Some(entry) if entry.json == json => {}
            Some(entry) => {
                let old = &entry.json;
                return Err(format!(
                    "the JSON of {name} has changed and its version has not:\n  stored: {old}\n  \
                     now:    {json}\nThe log keeps the old form for ever. Raise `version()` and \
                     add an upcaster: one from version {version} does both \
                     (docs/changing-an-event.md)."
                ));
            }
        }
    }
    Ok(new)
}

fn every_upcaster_has_its_entry<E: Event>(entries: &[Entry]) -> Result<(), String> {
    for upcaster in E::upcasters() {
        let (name, version) = (upcaster.event_type, upcaster.from_version);
        if find(entries, name, version).is_none() {
            return Err(format!(
                "an upcaster takes version {version} of {name}, of which no entry tells how it \
                 was stored: entries of old versions stay"
            ));
        }
        let same =
            |one: &&domain::upcast::Upcaster| one.event_type == name && one.from_version == version;
        if E::upcasters().iter().filter(same).count() > 1 {
            return Err(format!("two upcasters take version {version} of {name}"));
        }
    }
    Ok(())
}

fn still_read<E: Event>(entry: &Entry) -> Result<(), String> {
    let Entry {
        name,
        version,
        json,
    } = entry;
    let stored = StoredEvent {
        event_type: name,
        event_version: &version.to_string(),
        payload: json,
    };
    match read::<E>(stored) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "what was stored can't be read any more: {error}\n  stored: {json}\nRaise \
             `version()` and add an upcaster from version {version} (docs/changing-an-event.md)."
        )),
    }
}

fn find<'a>(entries: &'a [Entry], name: &str, version: u16) -> Option<&'a Entry> {
    let mut entries = entries.iter();
    entries.find(|entry| entry.name == name && entry.version == version)
}

fn parse(recorded: &str) -> Result<Vec<Entry>, String> {
    let parts = recorded.split("\n\n").map(str::trim);
    let parse = |entry: &str| {
        let (head, json) = entry.split_once('\n')?;
        let (name, version) = head.split_once(", version ")?;
        Some(Entry {
            name: name.to_owned(),
            version: version.parse().ok()?,
            json: json.to_owned(),
        })
    };
    parts
        .filter(|entry| !entry.is_empty())
        .map(|entry| parse(entry).ok_or_else(|| format!("this entry can't be read: {entry}")))
        .collect()
}
