//! A batch: commands that were decided one on top of the other, and commit as one transaction.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, SubsecRound, Utc};
use domain::streams::{DecidedEvent, Draft, StreamId, StreamKind, Streams};
use uuid::Uuid;

use super::desk::Desk;
use super::job::Waiting;
use super::rows::{EVENT_TYPES, RECORD_TYPES, Rows};
use super::{AppendError, Mark};
use crate::leaf::Leaf;
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

/// The first event of a batch.
#[derive(Clone, Copy)]
pub(super) struct FirstEvent {
    pub(super) stream: Uuid,
    pub(super) sequence: i64,
    pub(super) event_id: Uuid,
}

pub(super) struct Batch {
    /// Where the log has to end for the batch to follow.
    pub(super) follows: Head,
    /// Where it ends with the batch.
    pub(super) head: Head,
    /// Whether its positions are -1, -2, …, to be counted from wherever the log ends.
    counted: bool,
    /// The streams it rests on, and how many events they are taken to have.
    rests_on: HashMap<StreamId, u64>,
    pub(super) commands: Vec<(Waiting, Vec<Mark>)>,
    pub(super) writes: Vec<Write>,
    /// Its first event, by which a broken commit is looked up.
    pub(super) first_event: Option<FirstEvent>,
    events: Rows,
    records: Rows,
    /// The ids of the answers in it: a second command with one of them waits for the first.
    keys: HashSet<Uuid>,
}

impl Batch {
    /// A batch that follows wherever the log ends by then. `last` is when it was last known to
    /// have ended.
    pub(super) fn counted(last: Head) -> Self {
        let mut batch = Self::new(last);
        batch.counted = true;
        batch.head.position = 0;
        batch
    }

    pub(super) fn new(follows: Head) -> Self {
        // PostgreSQL keeps microseconds; the clock may have been set back.
        let recorded_at = Utc::now().trunc_subsecs(6).max(follows.recorded_at);
        Self {
            follows,
            head: Head {
                recorded_at,
                ..follows
            },
            counted: false,
            rests_on: HashMap::new(),
            commands: Vec::new(),
            writes: Vec::new(),
            first_event: None,
            events: Rows::default(),
            records: Rows::default(),
            keys: HashSet::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        let bytes = self.events.bytes.len() + self.records.bytes.len();
        self.commands.len() >= MOST_COMMANDS || bytes > MOST_BYTES
    }

    pub(super) fn events(&self) -> usize {
        self.events.count()
    }

    /// Whether it changes anything.
    pub(super) fn writes_rows(&self) -> bool {
        self.events.count() + self.records.count() > 0
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
        streams: &Streams,
        answer: &str,
        desk: &mut Desk,
        topics: &Topics,
    ) {
        self.rest_on(streams, desk);
        let written = match self.write(&waiting, streams, desk, topics) {
            Ok(written) => written,
            Err(error) => return waiting.fail(error),
        };
        let is_written = |stream: &StreamId| {
            let mut drafts = streams.drafts().iter();
            drafts.any(|draft| draft.stream == *stream)
        };
        let read = streams.read().filter(|(stream, _)| !is_written(stream));
        let read = read.filter_map(|(stream, _)| desk.next(*stream)?.mark.clone());
        let marks: Vec<Mark> = read.chain(written).collect();
        if let (Some(key), Some(names)) = (&waiting.job.request().key, waiting.stored_as) {
            let positions: Vec<Position> = marks.iter().map(|mark| mark.position).collect();
            let created_at = self.head.recorded_at;
            self.records.record(
                names,
                &key.digest,
                answer,
                &positions,
                self.counted,
                created_at,
            );
            self.keys.insert(names.1);
        }
        self.commands.push((waiting, marks));
    }

    fn rest_on(&mut self, streams: &Streams, desk: &mut Desk) {
        if !self.counted {
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
        streams: &Streams,
        desk: &mut Desk,
        topics: &Topics,
    ) -> Result<Vec<Mark>, AppendError> {
        let fault = |why: String| AppendError::Fault(why);
        let request = waiting.job.request();
        let metadata = request.metadata.to_json();
        let metadata = metadata.map_err(|error| fault(error.to_string()))?;
        let occurred_at = request.occurred_at.map(|time| time.trunc_subsecs(6));
        let drafts = streams.drafts();
        // Everything that can go wrong goes wrong before the first row is there.
        let mut parts = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let partition = partition(draft.stream, topics)?;
            parts.push((draft, partition, sealed(draft, &waiting.keys)?));
        }
        let written = parts.into_iter().map(|(draft, partition, payloads)| {
            self.write_stream(draft, partition, &payloads, &metadata, occurred_at, desk)
        });
        Ok(written.collect())
    }

    fn write_stream(
        &mut self,
        draft: &Draft,
        partition: i32,
        payloads: &[Cow<'_, str>],
        metadata: &str,
        imported_at: Option<DateTime<Utc>>,
        desk: &mut Desk,
    ) -> Mark {
        let stream = draft.stream;
        let before = desk.next(stream).cloned();
        let before = before.unwrap_or_else(|| Point::empty(&draft.kind));
        let occurred_at = imported_at.unwrap_or(self.head.recorded_at);
        let mut point = before.clone();
        for (event, payload) in draft.events.iter().zip(payloads) {
            point.version += 1;
            point.weight += payload.len();
            if let Cow::Owned(_) = payload {
                point.held = point.held.and_now();
            }
            point.last_event = Uuid::now_v7();
            self.head.position += if self.counted { -1 } else { 1 };
            self.first_event.get_or_insert(FirstEvent {
                stream: stream.id,
                sequence: point.version.cast_signed(),
                event_id: point.last_event,
            });
            let leaf = Leaf {
                aggregate_type: stream.aggregate_type,
                aggregate_id: stream.id,
                sequence: point.version.cast_signed(),
                event_type: event.event_type,
                event_version: &event.event_version.to_string(),
                payload,
                metadata,
                event_id: point.last_event,
                recorded_at: self.head.recorded_at,
                occurred_at,
            };
            match self.counted {
                false => self.events.event(self.head.position, partition, &leaf),
                true => self.events.counted_event(
                    self.head.position,
                    partition,
                    &leaf,
                    imported_at.is_some(),
                ),
            }
        }
        let mark = Mark {
            context: context_of(stream.aggregate_type).to_owned(),
            partition,
            position: self.head.position,
        };
        point.mark = Some(mark.clone());
        point.last_occurred_at = Some(occurred_at);
        point.state = (!draft.kind.opaque).then(|| draft.state.clone());
        self.writes.push(Write {
            stream,
            kind: draft.kind,
            before: before.version,
            imported: imported_at.is_some(),
            point: point.clone(),
        });
        desk.write(stream, before, point);
        mark
    }

    /// The whole batch as one transaction that fails unless the log ends where the batch follows.
    ///
    /// The fence locks the one row of `epoch` (and does not change it: nothing piles up behind a
    /// long transaction), so batches of all processes follow one another. It looks whether the log
    /// ends with the event that this batch follows; should that look be older than the lock, the
    /// unique index of positions still refuses the batch. A batch sent ahead of its predecessor's
    /// commit fails by itself when that has failed.
    pub(super) fn flight(&self) -> std::io::Result<Flight> {
        match self.counted {
            true => self.counting(),
            false => self.fenced(),
        }
    }

    fn fenced(&self) -> std::io::Result<Flight> {
        let mut flight = Flight::new();
        let follows = Value::Bigint(self.follows.position);
        if self.writes_rows() {
            let term = Value::Bigint(self.follows.term);
            flight.execute(statements::FENCE, &[term, follows])?;
            self.rows(&mut flight)?;
        } else {
            flight.execute(statements::CHECK, &[follows])?;
        }
        Ok(flight)
    }

    /// The whole batch as one transaction that takes the lock, checks the streams that it rests on,
    /// and counts its positions from wherever the log ends. For times when several processes write:
    /// nobody waits for a client while the lock is held.
    fn counting(&self) -> std::io::Result<Flight> {
        let mut flight = Flight::new();
        if self.writes_rows() {
            flight.execute(statements::TAKE, &[Value::Bigint(self.follows.term)])?;
        }
        let ids: Vec<Uuid> = self.rests_on.keys().map(|stream| stream.id).collect();
        let versions: Vec<i64> = self
            .rests_on
            .values()
            .map(|one| one.cast_signed())
            .collect();
        let known = [Value::Uuids(&ids), Value::Bigints(&versions)];
        // A statement of its own: it looks after the lock is there.
        flight.execute(statements::STAND, &known)?;
        self.records
            .put_counted(&mut flight, statements::COUNTED_RECORDS, RECORD_TYPES)?;
        self.events
            .put_counted(&mut flight, statements::COUNTED_EVENTS, EVENT_TYPES)?;
        if self.events.count() > 0 {
            flight.execute(statements::NOTIFY, &[])?;
        }
        Ok(flight)
    }

    /// Whether its positions have to be counted, and where in the reply is from where.
    pub(super) fn stand(&self) -> Option<usize> {
        self.counted.then_some(usize::from(self.writes_rows()))
    }

    /// Counts its positions from where the log ended before it, and takes over when it was stored.
    pub(super) fn count_from(&mut self, position: Position, recorded_at: DateTime<Utc>) {
        self.counted = false;
        self.head.recorded_at = recorded_at;
        for write in self.writes.iter_mut().filter(|write| !write.imported) {
            write.point.last_occurred_at = Some(recorded_at);
        }
        self.follows.position = position;
        self.head.position = position - self.head.position;
        let commands = self.commands.iter_mut().flat_map(|(_, marks)| marks);
        let written = self.writes.iter_mut();
        let written = written.filter_map(|write| write.point.mark.as_mut());
        for mark in commands.chain(written).filter(|mark| mark.position < 0) {
            mark.position = position - mark.position;
        }
    }

    /// The batch's rows, for a transaction that holds the lock.
    pub(super) fn rows(&self, flight: &mut Flight) -> std::io::Result<()> {
        self.events
            .put(flight, statements::EVENT, statements::EVENTS)?;
        self.records
            .put(flight, statements::RECORD, statements::RECORDS)?;
        if self.events.count() > 0 {
            flight.execute(statements::NOTIFY, &[])?;
        }
        Ok(())
    }
}

/// The payloads of a draft with what is personal sealed, so that the leaf hash covers ciphertext.
fn sealed<'a>(draft: &'a Draft, keys: &Keys) -> Result<Vec<Cow<'a, str>>, personal::Error> {
    let seal = |event: &'a DecidedEvent| {
        let place = Place::in_stream(draft.stream, event.event_type);
        seal_with(keys, &place, &event.payload)
    };
    draft.events.iter().map(seal).collect()
}

fn partition(stream: StreamId, topics: &Topics) -> Result<i32, AppendError> {
    let context = context_of(stream.aggregate_type);
    let partitions = topics.partitions(context).ok_or_else(|| {
        AppendError::Fault(format!("the log has no topic for the context {context}"))
    })?;
    i32::try_from(partition_of(stream.id, partitions))
        .map_err(|error| AppendError::Fault(error.to_string()))
}
