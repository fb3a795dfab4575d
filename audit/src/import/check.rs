//! The first pass: everything is read and held against what a log is, and nothing is written.

use std::collections::HashMap as Map;
use std::io;
use std::iter::Peekable;
use std::path::Path;
use std::vec::IntoIter;

use chrono::{DateTime, TimeDelta, Utc};
use domain::streams::StreamKind;
use event_store::partition::partition_of;
use event_store::{Position, leaf_hash};
use foldhash::HashMap;
use proofs::{Frontier, Hash};
use uuid::Uuid;

use super::fault::Faults;
use super::line::{LineEvent, Parsed, parse};
use super::lines::Lines;
use super::signed::Signed;
use crate::manifest::{MANIFEST, Manifest};
use crate::schemas::{self, erases};

/// By so much another machine's clock may be ahead of this one's.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// What was found beside faults.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The accounts that were erased.
    pub(super) erased: Vec<Uuid>,
}

/// What a line has to follow.
struct Checker<'m> {
    manifest: &'m Manifest,
    kinds: Vec<StreamKind>,
    partitions: Map<&'m str, u32>,
    position: Position,
    recorded_at: DateTime<Utc>,
    now: DateTime<Utc>,
    /// How many events each stream has, and whose it is: some 50 bytes a stream.
    streams: HashMap<Uuid, (i64, &'static str)>,
    found: Found,
    /// The tree over the events so far, and what was signed of it and is still to come.
    tree: Frontier,
    signed: Peekable<IntoIter<Signed<'m>>>,
}

/// Checks every line of the export in `folder`.
///
/// # Errors
/// When a file can't be read.
pub(super) fn check(
    folder: &Path,
    manifest: &Manifest,
    faults: &mut Faults,
    progress: &dyn Fn(Position),
) -> io::Result<Found> {
    let topics = manifest.topics.iter();
    let mut checker = Checker {
        manifest,
        kinds: domain::aggregates(),
        partitions: topics.map(|of| (&*of.context, of.partitions)).collect(),
        position: 0,
        recorded_at: DateTime::UNIX_EPOCH,
        now: Utc::now(),
        streams: HashMap::default(),
        found: Found::default(),
        tree: Frontier::new(),
        signed: Signed::of(&manifest.checkpoints, |_| ())
            .into_iter()
            .peekable(),
    };
    let mut events = 0;
    for of in &manifest.files {
        let mut lines = match Lines::open(folder, of) {
            Ok(lines) => lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                faults.add(&of.name, None, "the file is missing");
                checker.position = of.last;
                continue;
            }
            Err(error) => return Err(error),
        };
        let whole = loop {
            match lines.next() {
                Ok(None) => break true,
                Ok(Some(line)) => {
                    if let Err(what) = checker.check(line) {
                        faults.add(&of.name, Some(lines.number), what);
                    }
                    if lines.number % 1_000 == 0 {
                        progress(checker.position);
                    }
                }
                Err(error) => {
                    faults.add(&of.name, Some(lines.number + 1), error.to_string());
                    break false;
                }
            }
        };
        if lines.number != of.events {
            let (found, named) = (lines.number, of.events);
            let what = format!("it has {found} lines, and the manifest names {named}");
            faults.add(&of.name, None, what);
        }
        events += lines.number;
        if whole && !lines.matches(of)? {
            let what = "its SHA-256 is not that of the manifest: it was altered";
            faults.add(&of.name, None, what);
        }
        if checker.position != of.last {
            let (ends, named) = (checker.position, of.last);
            let what = format!("it ends at position {ends}, and the manifest names {named}");
            faults.add(&of.name, None, what);
            checker.position = of.last;
        }
    }
    if events != manifest.events {
        let named = manifest.events;
        let what = format!("the files have {events} events, and it names {named}");
        faults.add(MANIFEST, None, what);
    }
    for signed in checker.signed {
        let size = signed.size();
        let what = format!("it has a checkpoint of {size} events, and that many there are not");
        faults.add(MANIFEST, None, what);
    }
    Ok(checker.found)
}

impl Checker<'_> {
    /// What is wrong with a line, if anything is. What comes after it is held against it as it is, so
    /// that one fault is told once.
    fn check(&mut self, line: &[u8]) -> Result<(), String> {
        let Parsed { event, fault } = match parse(line, self.manifest.epoch) {
            Ok(parsed) => parsed,
            Err(what) => {
                self.position += 1;
                return Err(what);
            }
        };
        let signed = self.is_signed(&event);
        let order = self.follows(&event);
        let stream = self.continues(&event);
        if erases(&event) {
            self.found.erased.push(event.aggregate_id);
        }
        order.and(stream)?;
        signed?;
        fault.map_or(Ok(()), Err)?;
        self.is_known(&event)
    }

    /// Whether the events up to this one are those that were signed.
    fn is_signed(&mut self, event: &LineEvent<'_>) -> Result<(), String> {
        self.tree.push(Hash(leaf_hash(event)));
        let size = self.tree.size();
        let mut signed = Ok(());
        while let Some(next) = self.signed.next_if(|next| next.size() <= size) {
            if !next.is_of(&self.tree) {
                signed = Err(format!(
                    "a checkpoint of the manifest is of {size} events, but not of these"
                ));
            }
        }
        signed
    }

    /// Whether it follows the event before it, and its times can be.
    fn follows(&mut self, event: &LineEvent<'_>) -> Result<(), String> {
        let expected = self.position + 1;
        let earlier = self.recorded_at;
        self.position = event.position;
        self.recorded_at = event.recorded_at.max(earlier);
        if event.position != expected {
            let position = event.position;
            return Err(format!("its position is {position}, and {expected} is due"));
        }
        if event.recorded_at < earlier {
            return Err("it was recorded before the event before it".to_owned());
        }
        if event.occurred_at > event.recorded_at {
            return Err("it was recorded before it happened".to_owned());
        }
        if event.recorded_at > self.now + AHEAD {
            return Err("it was recorded in the future".to_owned());
        }
        Ok(())
    }

    /// Whether it is the next event of its stream, and of a known aggregate.
    fn continues(&mut self, event: &LineEvent<'_>) -> Result<(), String> {
        let Some(kind) = self.kind(event) else {
            return Err(format!("there is no aggregate {:?}", event.aggregate_type));
        };
        let begun = (0, kind.aggregate_type);
        let (sequence, aggregate_type) = self.streams.entry(event.aggregate_id).or_insert(begun);
        let due = *sequence + 1;
        *sequence = event.sequence;
        if *aggregate_type != kind.aggregate_type {
            return Err(format!("its stream is one of {aggregate_type}"));
        }
        match event.sequence == due {
            true => Ok(()),
            false => Err(format!(
                "its sequence is {}, and {due} is due in its stream",
                event.sequence
            )),
        }
    }

    /// The aggregate that it says it is of.
    fn kind(&self, event: &LineEvent<'_>) -> Option<StreamKind> {
        let mut kinds = self.kinds.iter();
        kinds
            .find(|kind| kind.aggregate_type == event.aggregate_type)
            .copied()
    }

    /// Whether today's code reads it, and finds it in its topic.
    fn is_known(&self, event: &LineEvent<'_>) -> Result<(), String> {
        let context = event.context();
        let Some(partitions) = self.partitions.get(context) else {
            return Err(format!("the manifest has no topic of {context}"));
        };
        let partition = partition_of(event.aggregate_id, *partitions);
        if u32::try_from(event.partition) != Ok(partition) {
            return Err(format!("its stream is in partition {partition}"));
        }
        let read = self.kind(event).map(|kind| schemas::check(&kind, event));
        read.map_or(Ok(()), |read| read.map_err(|error| error.to_string()))
    }
}
