//! A batch: commands that were decided one on top of the other, and commit as one transaction.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, SubsecRound, Utc};
use domain::streams::{Draft, StreamId, StreamKind, Streams};
use foldhash::{HashMap, HashSet};
use uuid::Uuid;

use super::desk::Desk;
use super::job::Waiting;
use super::rows::{NewAnswer, NewEvent, Rows};
use super::{AppendError, Mark};
use crate::load::Point;
use crate::log::Topics;
use crate::partition::{context_of, partition_of};
use crate::personal::{self, Keys, Place, seal_with};
use crate::recorded::Position;
use crate::statements;
use crate::wire::{Error, Flight, Row, Value};

/// The most commands of a batch.
pub(super) const MOST_COMMANDS: usize = 256;
/// A batch takes no further command beyond so many bytes.
const MOST_BYTES: usize = 1 << 20;

/// The end of the log.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) position: Position,
    pub(super) recorded_at: DateTime<Utc>,
    /// A batch that was sent under another term fails.
    pub(super) term: i64,
}

impl Head {
    /// The epoch of the log and where it ends, from a row of the statement `head`.
    pub(super) fn read(row: &Row) -> Result<(Uuid, Self), Error> {
        let head = Self {
            position: row.bigint(2)?,
            recorded_at: row.time(3)?,
            term: row.bigint(1)?,
        };
        Ok((row.uuid(0)?, head))
    }
}

/// A stream that a batch writes.
pub(super) struct Write {
    pub(super) stream: StreamId,
    pub(super) kind: StreamKind,
    pub(super) before: u64,
    pub(super) imported: bool,
    pub(super) point: Point,
}

pub(super) struct Batch {
    /// Where the log has to end for the batch to follow.
    follows: Head,
    /// Where it ends with the batch.
    pub(super) head: Head,
    /// Whether it is stored in a turn. Its positions are -1, -2, … until that comes.
    in_turn: bool,
    /// In a turn, the streams that it rests on and does not write, and how many events they are
    /// taken to have. Those that it writes are looked after by their unique index.
    rests_on: HashMap<StreamId, u64>,
    pub(super) commands: Vec<(Waiting, Vec<Mark>)>,
    pub(super) writes: Vec<Write>,
    events: Vec<NewEvent>,
    answers: Vec<NewAnswer>,
    /// About how many bytes its rows take.
    bytes: usize,
    /// The ids of the answers in it: a second command with one of them waits for the first.
    keys: HashSet<Uuid>,
    /// When its first command could be decided.
    pub(super) begun: Instant,
}

impl Batch {
    /// A batch that is stored wherever the log ends by then. `last` is where it was last known to
    /// have ended.
    pub(super) fn for_turn(last: Head) -> Self {
        let mut batch = Self::new(last);
        batch.in_turn = true;
        batch.head.position = 0;
        batch
    }

    pub(super) fn new(follows: Head) -> Self {
        Self {
            follows,
            head: Head {
                recorded_at: now(follows),
                ..follows
            },
            in_turn: false,
            rests_on: HashMap::default(),
            commands: Vec::new(),
            writes: Vec::new(),
            events: Vec::new(),
            answers: Vec::new(),
            bytes: 0,
            keys: HashSet::default(),
            begun: Instant::now(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.commands.len() >= MOST_COMMANDS || self.bytes > MOST_BYTES
    }

    pub(super) fn events(&self) -> usize {
        self.events.len()
    }

    /// Whether it changes anything.
    pub(super) fn writes_rows(&self) -> bool {
        self.events.len() + self.answers.len() > 0
    }

    /// Whether it is stored in a turn.
    pub(super) fn in_turn(&self) -> bool {
        self.in_turn
    }

    /// Its first event, by which a broken commit is looked up.
    pub(super) fn first_event(&self) -> Option<&NewEvent> {
        self.events.first()
    }

    pub(super) fn has_answer(&self, id: Uuid) -> bool {
        self.keys.contains(&id)
    }

    /// Takes in a refusal: it is answered with the batch, since it may rest on what the commands
    /// before it decided.
    pub(super) fn refuse(&mut self, waiting: Waiting, streams: &Streams, desk: &mut Desk) {
        self.rest_on(streams, desk);
        self.commands.push((waiting, Vec::new()));
    }

    /// Takes in what a command decided.
    pub(super) fn accept(
        &mut self,
        waiting: Waiting,
        mut streams: Streams,
        answer: String,
        desk: &mut Desk,
        topics: &Topics,
    ) {
        self.rest_on(&streams, desk);
        let drafts = streams.take_drafts();
        let is_written = |stream: &StreamId| drafts.iter().any(|draft| draft.stream == *stream);
        let read = streams.read().filter(|(stream, _)| !is_written(stream));
        let read = read.filter_map(|(stream, _)| desk.next(*stream)?.mark.clone());
        let mut marks: Vec<Mark> = read.collect();
        match self.write(&waiting, drafts, desk, topics) {
            Ok(written) => marks.extend(written),
            Err(error) => return waiting.fail(error),
        }
        if let (Some(key), Some((scope, id))) = (&waiting.job.request().key, waiting.stored_as) {
            self.bytes += answer.len();
            self.answers.push(NewAnswer {
                id,
                scope,
                digest: key.digest,
                answer,
                positions: marks.iter().map(|mark| mark.position).collect(),
            });
            self.keys.insert(id);
        }
        self.commands.push((waiting, marks));
    }

    fn rest_on(&mut self, streams: &Streams, desk: &mut Desk) {
        if !self.in_turn {
            return;
        }
        for (stream, _) in streams.read() {
            let version = || desk.committed(*stream).map_or(0, |point| point.version);
            self.rests_on.entry(*stream).or_insert_with(version);
        }
    }

    fn write(
        &mut self,
        waiting: &Waiting,
        mut drafts: Vec<Draft>,
        desk: &mut Desk,
        topics: &Topics,
    ) -> Result<Vec<Mark>, AppendError> {
        let request = waiting.job.request();
        let metadata = request.metadata.to_json();
        let metadata = metadata.map_err(|error| AppendError::Fault(error.to_string()))?;
        let metadata = Arc::<str>::from(metadata);
        let imported_at = request.occurred_at.map(|time| time.trunc_subsecs(6));
        // Everything that can go wrong goes wrong before the first event is there.
        let mut places = Vec::with_capacity(drafts.len());
        for draft in &mut drafts {
            let is_personal = seal(draft, &waiting.keys)?;
            places.push((partition(draft.stream, topics)?, is_personal));
        }
        let drafts = drafts.into_iter().zip(places);
        let written = drafts.map(|(draft, (partition, is_personal))| {
            let before = desk.next(draft.stream).cloned();
            let mut point = before.clone().unwrap_or_else(|| Point::empty(&draft.kind));
            let before = before.unwrap_or_else(|| point.clone());
            if is_personal {
                point.held = point.held.and_now();
            }
            let write = self.write_stream(draft, point, partition, &metadata, imported_at);
            let mark = write.point.mark.clone();
            desk.write(write.stream, before, write.point.clone());
            self.writes.push(write);
            mark
        });
        Ok(written.flatten().collect())
    }

    /// Adds the events of a draft; `point` is where its stream stands before them.
    fn write_stream(
        &mut self,
        draft: Draft,
        mut point: Point,
        partition: i32,
        metadata: &Arc<str>,
        imported_at: Option<DateTime<Utc>>,
    ) -> Write {
        let stream = draft.stream;
        let before = point.version;
        for event in draft.events {
            point.version += 1;
            point.weight += event.payload.len();
            point.last_event = Uuid::now_v7();
            self.head.position += if self.in_turn { -1 } else { 1 };
            self.bytes += event.payload.len() + metadata.len();
            self.events.push(NewEvent {
                position: self.head.position,
                partition,
                stream,
                sequence: point.version.cast_signed(),
                event_type: event.event_type,
                event_version: event.event_version,
                payload: event.payload,
                metadata: Arc::clone(metadata),
                event_id: point.last_event,
                imported_at,
            });
        }
        point.mark = Some(Mark {
            context: context_of(stream.aggregate_type).to_owned(),
            partition,
            position: self.head.position,
        });
        point.last_occurred_at = Some(imported_at.unwrap_or(self.head.recorded_at));
        point.state = (!draft.kind.opaque).then_some(draft.state);
        Write {
            stream,
            kind: draft.kind,
            before,
            imported: imported_at.is_some(),
            point,
        }
    }

    /// The whole batch as one transaction that fails unless the log ends where the batch follows.
    ///
    /// The fence locks the one row of `epoch` (and does not change it: nothing piles up behind a
    /// long transaction), so batches of all processes follow one another. It looks whether the log
    /// ends with the event that this batch follows; should that look be older than the lock, the
    /// unique index of positions still refuses the batch. A batch sent ahead of its predecessor's
    /// commit fails by itself when that has failed.
    pub(super) fn flight(&self) -> std::io::Result<Flight> {
        let mut flight = Flight::new();
        let follows = Value::Bigint(self.follows.position);
        if self.in_turn {
            self.check(&mut flight)?;
            self.rows(&mut flight)?;
            flight.execute(statements::COMMIT, &[])?;
        } else if self.writes_rows() {
            let term = Value::Bigint(self.follows.term);
            flight.execute(statements::FENCE, &[term, follows])?;
            self.rows(&mut flight)?;
        } else {
            flight.execute(statements::CHECK, &[follows])?;
        }
        Ok(flight)
    }

    /// Whether the streams that it rests on are as they were taken to be.
    fn check(&self, flight: &mut Flight) -> std::io::Result<()> {
        let is_written = |stream: &StreamId| self.writes.iter().any(|one| one.stream == *stream);
        let read = self.rests_on.iter();
        let read = read.filter(|(stream, _)| !is_written(stream));
        let (ids, versions): (Vec<Uuid>, Vec<i64>) = read
            .map(|(stream, version)| (stream.id, version.cast_signed()))
            .unzip();
        match ids.is_empty() {
            true => Ok(()),
            false => flight.execute(
                statements::STREAMS,
                &[Value::Uuids(&ids), Value::Bigints(&versions)],
            ),
        }
    }

    /// Its turn has come: the log ends at `follows`, and its positions are counted from there.
    pub(super) fn count_from(&mut self, follows: Head) {
        let count = |position: &mut Position| {
            if *position < 0 {
                *position = follows.position - *position;
            }
        };
        self.follows = follows;
        let last = self.head.position;
        self.head = Head {
            position: follows.position - last,
            recorded_at: now(follows),
            ..follows
        };
        for write in self.writes.iter_mut().filter(|write| !write.imported) {
            write.point.last_occurred_at = Some(self.head.recorded_at);
        }
        let written = self.writes.iter_mut();
        let written = written.filter_map(|write| write.point.mark.as_mut());
        let marks = self.commands.iter_mut().flat_map(|(_, marks)| marks);
        for mark in marks.chain(written) {
            count(&mut mark.position);
        }
        for event in &mut self.events {
            count(&mut event.position);
        }
        for position in self.answers.iter_mut().flat_map(|one| &mut one.positions) {
            count(position);
        }
    }

    /// The batch's rows.
    pub(super) fn rows(&self, flight: &mut Flight) -> std::io::Result<()> {
        let recorded_at = self.head.recorded_at;
        let mut rows = Rows::default();
        for event in &self.events {
            rows.event(event, recorded_at);
        }
        rows.put(flight, statements::EVENT, statements::EVENTS)?;
        let mut rows = Rows::default();
        for answer in &self.answers {
            rows.answer(answer, recorded_at);
        }
        rows.put(flight, statements::RECORD, statements::RECORDS)
    }
}

/// When a batch that follows `head` is recorded. PostgreSQL keeps microseconds; the clock may have
/// been set back, or another process' may go before ours.
fn now(head: Head) -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6).max(head.recorded_at)
}

/// Seals what is personal in the payloads of a draft, so that the leaf hash covers ciphertext;
/// whether there was any.
fn seal(draft: &mut Draft, keys: &Keys) -> Result<bool, personal::Error> {
    let mut any = false;
    for event in &mut draft.events {
        let place = Place::in_stream(draft.stream, event.event_type);
        if let Cow::Owned(sealed) = seal_with(keys, &place, &event.payload)? {
            event.payload = sealed;
            any = true;
        }
    }
    Ok(any)
}

fn partition(stream: StreamId, topics: &Topics) -> Result<i32, AppendError> {
    let context = context_of(stream.aggregate_type);
    let partitions = topics.partitions(context).ok_or_else(|| {
        AppendError::Fault(format!("the log has no topic for the context {context}"))
    })?;
    i32::try_from(partition_of(stream.id, partitions))
        .map_err(|error| AppendError::Fault(error.to_string()))
}
