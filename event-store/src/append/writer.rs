//! The one task that writes: it gathers, decides, sends and answers.
//!
//! Ordinarily a batch follows the one before it by its position alone (the fence), and a second
//! one may be under way. While other processes write too, batches count their positions from
//! wherever the log ends. When the database refuses a batch, the writer locks the log first and
//! checks everything under the lock (`lock.rs`).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use domain::streams::{StreamId, StreamKind, Streams};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::batch::{Batch, Head, MOST_COMMANDS};
use super::desk::{Desk, Look};
use super::job::{Decision, Outcome, Waiting, broken};
use super::{AppendError, Mark};
use crate::load::snapshot::Snapshots;
use crate::load::{Ask, Found, LoadError, Point, Reader, Wanted};
use crate::log::Topics;
use crate::personal::{self, Keyring, Keys, persons_to_seal};
use crate::statements;
use crate::wire::{Connection, Error, Flight, Reply, ServerError, Target};

/// So many have to be ready for a second batch while the first is under way: a smaller one would
/// cost more than it saves.
const ENOUGH_FOR_A_SECOND: usize = 32;
/// The most batches under way.
const MOST_UNDER_WAY: usize = 2;
/// How often in a row a batch may find another process's events before the writer counts.
const MOST_LOST: u32 = 2;
/// So many batches are written under the lock when others write to the same streams.
const ROUNDS_OF_CONTENTION: u32 = 8;
/// After so many batches without anybody else's events the fence will do again.
const QUIET_ENOUGH: u32 = 4;
/// How often a command is sent before its caller hears that the log is away.
const MOST_ATTEMPTS: u32 = 50;

/// For how long keys are looked up first after one was found to be used.
const SUSPICIOUS: Duration = Duration::from_secs(10);
/// How often what is too old is taken out of memory; it is not used even before.
const TIDY: Duration = Duration::from_secs(5);

/// Why the writer ended; its process has to end with it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WriterError {
    /// The log was replaced by another while this process had it open.
    #[error(
        "the log is no longer the one that this process opened: its epoch was {opened} and is {found}. Start the process again"
    )]
    OtherEpoch {
        /// The epoch at the start.
        opened: Uuid,
        /// The epoch now.
        found: Uuid,
    },
    /// The log ends before what this process has committed.
    #[error(
        "the log ends at {found} and this process committed {known}: it was restored from an older backup. Restore a newer one, or begin a new epoch and rebuild every projection"
    )]
    Behind {
        /// What was committed.
        known: i64,
        /// Where the log ends.
        found: i64,
    },
    /// A fault of this program.
    #[error("the writer broke: {0}")]
    Broken(String),
}

/// What a writer is made of.
pub(crate) struct Parts {
    pub(crate) target: Target,
    pub(crate) reader: Reader,
    pub(crate) snapshots: Snapshots,
    pub(crate) keyring: Keyring,
    pub(crate) topics: Topics,
    pub(crate) epoch: Uuid,
}

/// What the writer asked the reader for.
pub(super) enum Read {
    Persons(Waiting, Result<Keys, personal::Error>),
    Key(Waiting, Result<Found, LoadError>),
    Stream(StreamId, StreamKind, Result<Found, LoadError>),
}

/// How a batch is kept from following another process's events.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// By the fence; lost so many times in a row.
    Fenced { lost: u32 },
    /// By counting positions from wherever the log ends; so many batches in a row found nobody
    /// else's events.
    Counted { quiet: u32 },
    /// By the lock, with everything checked under it; so many more batches after the next one.
    Locked { left: u32 },
}

pub(crate) struct Writer {
    pub(super) parts: Parts,
    pub(super) connection: Option<Connection>,
    /// Where the log ends when everything under way is committed.
    pub(super) head: Option<Head>,
    /// Where it ended at the last commit of this process.
    committed: i64,
    pub(super) desk: Desk,
    pub(super) mode: Mode,
    /// So many commands are sent one by one: one of them was refused by the database.
    pub(super) alone: usize,
    /// Commands to decide, in order.
    pub(super) ready: VecDeque<Waiting>,
    /// Commands that wait for a stream to be read.
    parked: HashMap<StreamId, Vec<Waiting>>,
    /// Commands that wait for what is under way.
    deferred: Vec<Waiting>,
    pub(super) under_way: VecDeque<Batch>,
    arrivals: mpsc::Receiver<Waiting>,
    reads: mpsc::UnboundedReceiver<Read>,
    tell: mpsc::UnboundedSender<Read>,
    /// Commands whose idempotency keys or persons' keys are being looked up.
    looked_up: usize,
    /// Until when keys are looked up first.
    suspicious_until: Instant,
    /// How many erasures this process was asked for, and how many the desk has followed.
    erasures: Arc<AtomicU64>,
    followed: u64,
}

impl Writer {
    pub(super) fn new(
        parts: Parts,
        arrivals: mpsc::Receiver<Waiting>,
        erasures: Arc<AtomicU64>,
    ) -> Self {
        let (tell, reads) = mpsc::unbounded_channel();
        Self {
            parts,
            connection: None,
            head: None,
            committed: 0,
            desk: Desk::default(),
            mode: Mode::Fenced { lost: 0 },
            alone: 0,
            ready: VecDeque::new(),
            parked: HashMap::new(),
            deferred: Vec::new(),
            under_way: VecDeque::new(),
            arrivals,
            reads,
            tell,
            looked_up: 0,
            suspicious_until: Instant::now(),
            erasures,
            followed: 0,
        }
    }

    /// Writes until every sender is gone, or until `stop` and what waits by then.
    pub(super) async fn run(mut self, stop: CancellationToken) -> Result<(), WriterError> {
        let mut arrived = Vec::with_capacity(MOST_COMMANDS);
        let mut open = true;
        let mut tidy = tokio::time::interval(TIDY);
        loop {
            self.follow_erasures();
            self.advance().await?;
            if !open && self.is_idle() {
                return Ok(());
            }
            tokio::select! {
                biased;
                reply = reply(&mut self.connection), if !self.under_way.is_empty() => {
                    self.replied(reply).await?;
                }
                Some(read) = self.reads.recv() => self.was_read(read),
                count = self.arrivals.recv_many(&mut arrived, MOST_COMMANDS), if open => {
                    open = count > 0;
                    for waiting in arrived.drain(..) {
                        self.arrive(waiting);
                    }
                }
                _ = tidy.tick() => {
                    self.desk.forget_personal(false);
                    self.parts.keyring.tidy();
                }
                () = stop.cancelled(), if !self.arrivals.is_closed() => self.arrivals.close(),
            }
        }
    }

    fn is_idle(&self) -> bool {
        let waiting = self.ready.len() + self.parked.len() + self.deferred.len() + self.looked_up;
        waiting + self.under_way.len() == 0
    }

    /// Nothing is decided on what an erasure has taken away.
    fn follow_erasures(&mut self) {
        let asked = self.erasures.load(Ordering::Acquire);
        if asked != self.followed {
            self.followed = asked;
            self.desk.forget_personal(true);
        }
    }

    /// Sends what may be sent.
    async fn advance(&mut self) -> Result<(), WriterError> {
        while !self.ready.is_empty() && self.may_send() {
            if !self.is_connected().await? {
                return Ok(());
            }
            match self.mode {
                Mode::Locked { left } => self.locked_round(left).await?,
                mode => {
                    let Some(head) = self.head else { return Ok(()) };
                    let batch = match mode {
                        Mode::Counted { .. } => Batch::counted(head),
                        _ => Batch::new(head),
                    };
                    let batch = self.form(batch, MOST_COMMANDS);
                    if !batch.commands.is_empty() {
                        self.send(batch).await?;
                    }
                }
            }
        }
        Ok(())
    }

    fn may_send(&self) -> bool {
        match self.under_way.len() {
            0 => true,
            MOST_UNDER_WAY.. => false,
            _ => {
                matches!(self.mode, Mode::Fenced { .. }) && self.ready.len() >= ENOUGH_FOR_A_SECOND
            }
        }
    }

    /// A command comes. Its key is taken for unused, since most are: if it is not, the database
    /// refuses the batch. Where keys were used of late, they are looked up first for a while.
    fn arrive(&mut self, waiting: Waiting) {
        let suspicious = self.suspicious_until > Instant::now();
        match waiting.stored_as {
            Some(_) if suspicious => self.look_up(waiting),
            _ => self.ready.push_back(waiting),
        }
    }

    /// Looks up whether the key of a command was used.
    fn look_up(&mut self, waiting: Waiting) {
        let Some((_, id)) = waiting.stored_as else {
            return self.ready.push_back(waiting);
        };
        let wanted = Wanted::Key { id };
        let tell = self.tell.clone();
        let answer = Box::new(move |found| {
            // The writer outlives what it asked.
            let _stopping = tell.send(Read::Key(waiting, found));
        });
        self.looked_up += 1;
        if self.parts.reader.try_ask(Ask { wanted, answer }).is_err() {
            // The command went with the question, and its caller hears that the log is away.
            self.looked_up -= 1;
        }
    }

    /// Answers a command of a committed batch. Before a refusal is given, the key is looked up: the
    /// command may have been carried out when it came first.
    fn answer(&mut self, waiting: Waiting, marks: Vec<Mark>) {
        if waiting.job.is_refused() && !waiting.looked_up && waiting.stored_as.is_some() {
            return self.look_up(waiting);
        }
        waiting.end(Outcome::Done(marks));
    }

    fn was_read(&mut self, read: Read) {
        match read {
            Read::Persons(mut waiting, fetched) => {
                self.looked_up -= 1;
                match fetched {
                    Ok(keys) => {
                        waiting.keys = keys;
                        self.ready.push_front(waiting);
                    }
                    Err(error) => waiting.fail(error.into()),
                }
            }
            Read::Key(mut waiting, found) => {
                self.looked_up -= 1;
                waiting.looked_up = true;
                match found {
                    Ok(Found::Key(None)) => self.ready.push_back(waiting),
                    Ok(Found::Key(Some(stored))) => waiting.end(Outcome::Replayed(stored)),
                    Ok(Found::Stream { .. }) => waiting.fail(broken()),
                    Err(error) => waiting.end(Outcome::Unloadable(error)),
                }
            }
            Read::Stream(stream, kind, found) => self.stream_was_read(stream, kind, found),
        }
    }

    fn stream_was_read(
        &mut self,
        stream: StreamId,
        kind: StreamKind,
        found: Result<Found, LoadError>,
    ) {
        let waiting = self.parked.remove(&stream).unwrap_or_default();
        match found {
            Ok(Found::Stream {
                point,
                as_of,
                folded,
            }) => {
                self.parts.snapshots.loaded(stream, kind, folded, &point);
                self.desk.put(stream, point, as_of);
                // They have waited longest. A stream that was read too long ago is read again.
                for waiting in waiting.into_iter().rev() {
                    self.ready.push_front(waiting);
                }
            }
            Ok(Found::Key(_)) => waiting.into_iter().for_each(|one| one.fail(broken())),
            Err(error) => {
                for one in waiting {
                    one.end(Outcome::Unloadable(error.clone()));
                }
            }
        }
    }

    /// Lets a command wait for a stream, which is read unless it is being read already.
    pub(super) fn park(
        &mut self,
        waiting: Waiting,
        stream: StreamId,
        kind: StreamKind,
        known: Option<Point>,
    ) {
        if let Some(others) = self.parked.get_mut(&stream) {
            others.push(waiting);
            return;
        }
        let tell = self.tell.clone();
        let answer = Box::new(move |found| {
            let _stopping = tell.send(Read::Stream(stream, kind, found));
        });
        let wanted = Wanted::Stream {
            stream,
            kind,
            known,
        };
        match self.parts.reader.try_ask(Ask { wanted, answer }) {
            Ok(()) => {
                self.parked.insert(stream, vec![waiting]);
            }
            Err(_) => waiting.fail(AppendError::Busy),
        }
    }

    /// Fetches the keys of the persons whose data a command stores; new persons get theirs.
    fn fetch_keys(&mut self, waiting: Waiting, persons: Vec<Uuid>) {
        self.looked_up += 1;
        let (keyring, tell) = (self.parts.keyring.clone(), self.tell.clone());
        tokio::spawn(async move {
            let keys = keyring.for_sealing(&persons).await;
            let _stopping = tell.send(Read::Persons(waiting, keys));
        });
    }

    /// Decides up to `most` commands one on top of the other.
    pub(super) fn form(&mut self, mut batch: Batch, most: usize) -> Batch {
        for _ in 0..most {
            if batch.is_full() {
                break;
            }
            let Some(waiting) = self.ready.pop_front() else {
                break;
            };
            self.place(waiting, &mut batch);
        }
        batch
    }

    /// Decides one command, on what the batches under way and this one will leave.
    fn place(&mut self, mut waiting: Waiting, batch: &mut Batch) {
        if let Some((_, id)) = waiting.stored_as {
            let mut under_way = self.under_way.iter();
            if batch.has_answer(id) || under_way.any(|other| other.has_answer(id)) {
                return self.deferred.push(waiting);
            }
        }
        let mut streams = Streams::default();
        let mut asked = waiting.needs.clone();
        loop {
            for (stream, kind) in asked.drain(..) {
                match self.desk.look(stream, &kind, batch.stand().is_some()) {
                    Look::Known(loaded) => streams.insert(stream, loaded),
                    Look::Unknown(None) if self.is_new(&waiting, stream) => {
                        streams.insert(stream, Point::empty(&kind).loaded(&kind));
                    }
                    Look::Unknown(known) => return self.park(waiting, stream, kind, known),
                    Look::Busy => return self.deferred.push(waiting),
                }
            }
            match waiting.job.decide(&mut streams) {
                Decision::Missing(stream, kind) => {
                    waiting.need(stream, kind);
                    streams.restart();
                    asked.push((stream, kind));
                }
                Decision::Refused => return batch.refuse(waiting, &streams, &mut self.desk),
                Decision::Broken => return waiting.fail(broken()),
                Decision::Accepted(answer) => {
                    match unsealable(&streams, &waiting.keys) {
                        Ok(persons) if persons.is_empty() => {}
                        Ok(persons) => return self.fetch_keys(waiting, persons),
                        Err(error) => return waiting.fail(error.into()),
                    }
                    let topics = &self.parts.topics;
                    return batch.accept(waiting, &streams, &answer, &mut self.desk, topics);
                }
            }
        }
    }

    /// Whether a stream's id was made for this command, and no attempt has shown otherwise.
    fn is_new(&self, waiting: &Waiting, stream: StreamId) -> bool {
        waiting.attempts == 0
            && !self.parked.contains_key(&stream)
            && waiting.job.request().new.contains(&stream)
    }

    /// Sends a batch; its reply comes later.
    async fn send(&mut self, mut batch: Batch) -> Result<(), WriterError> {
        let flight = match batch.flight() {
            Ok(flight) => flight,
            Err(error) => {
                let why = error.to_string();
                self.unpin(&batch);
                for (waiting, _) in batch.commands.drain(..) {
                    waiting.fail(AppendError::Fault(why.clone()));
                }
                return Ok(());
            }
        };
        if batch.stand().is_none() {
            self.head = Some(batch.head);
        }
        self.under_way.push_back(batch);
        let sent = match &mut self.connection {
            Some(connection) => connection.send(flight).await,
            None => Err(Error::invalid("there is no connection")),
        };
        match sent {
            Ok(()) => Ok(()),
            Err(error) => self.resolve(&error).await,
        }
    }

    /// A reply came to the first batch under way.
    async fn replied(&mut self, reply: Result<Reply, Error>) -> Result<(), WriterError> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return self.resolve(&error).await,
        };
        let Some(mut batch) = self.under_way.pop_front() else {
            return Ok(());
        };
        if let Some(error) = reply.error {
            return self.refused(batch, error).await;
        }
        match batch.stand() {
            None => self.mode = Mode::Fenced { lost: 0 },
            Some(place) => match stand(&reply, place) {
                Ok((epoch, position, recorded_at)) => {
                    self.same_log(epoch, position)?;
                    self.counted(&mut batch, position, recorded_at);
                }
                Err(error) => {
                    self.under_way.push_front(batch);
                    return self.resolve(&error).await;
                }
            },
        }
        self.commit(batch);
        Ok(())
    }

    /// A counted batch is committed, after what others wrote up to `position`.
    pub(super) fn counted(&mut self, batch: &mut Batch, position: i64, recorded_at: DateTime<Utc>) {
        let others = position != self.committed;
        if others {
            self.desk.raise(position);
        }
        batch.count_from(position, recorded_at);
        self.head = Some(batch.head);
        self.mode = match self.mode {
            Mode::Counted { quiet } if !others && quiet >= QUIET_ENOUGH => Mode::Fenced { lost: 0 },
            Mode::Counted { quiet } if !others => Mode::Counted { quiet: quiet + 1 },
            Mode::Counted { .. } => Mode::Counted { quiet: 0 },
            other => other,
        };
    }

    /// Answers a batch that is committed.
    pub(super) fn commit(&mut self, batch: Batch) {
        self.committed = batch.head.position;
        metrics::counter!("comptoir_append_batches_total").increment(1);
        metrics::counter!("comptoir_append_events_total").increment(batch.events() as u64);
        metrics::histogram!("comptoir_append_batch_commands").record(batch.commands.len() as f64);
        for (waiting, marks) in batch.commands {
            self.answer(waiting, marks);
        }
        for write in batch.writes {
            let snapshots = &self.parts.snapshots;
            snapshots.grown(write.stream, write.kind, write.before, &write.point);
            self.desk
                .commit(write.stream, write.point, batch.head.position);
        }
        self.bring_back();
    }

    /// Commands that waited for what was under way are looked at anew.
    pub(super) fn bring_back(&mut self) {
        for waiting in std::mem::take(&mut self.deferred) {
            self.look_up(waiting);
        }
    }

    /// The database refused a batch, and so will those that follow it.
    async fn refused(&mut self, batch: Batch, error: ServerError) -> Result<(), WriterError> {
        let mut failed = vec![batch];
        while !self.under_way.is_empty() {
            let next = match reply(&mut self.connection).await {
                Ok(next) => next,
                Err(broken) => {
                    self.give_back(failed);
                    return self.resolve(&broken).await;
                }
            };
            let Some(batch) = self.under_way.pop_front() else {
                break;
            };
            match next.error {
                Some(_) => failed.push(batch),
                // The one before wrote no event, so this one rests on nothing that failed.
                None => self.commit(batch),
            }
        }
        metrics::counter!("comptoir_append_refused_batches_total").increment(1);
        self.give_back(failed);
        self.mode = match (is_fence(&error), self.mode) {
            (true, Mode::Fenced { lost }) if lost + 1 < MOST_LOST => {
                tracing::debug!("another process has written");
                Mode::Fenced { lost: lost + 1 }
            }
            (true, Mode::Fenced { .. }) => Mode::Counted { quiet: 0 },
            // Several processes write to the same streams.
            (true, _) => Mode::Locked {
                left: ROUNDS_OF_CONTENTION,
            },
            (false, _) => {
                tracing::debug!(%error, "a batch was refused: what it rests on is checked");
                Mode::Locked { left: 0 }
            }
        };
        if error.constraint == "idempotency_pkey" {
            self.suspicious_until = Instant::now() + SUSPICIOUS;
        }
        if error.is_away() {
            self.connection = None;
        }
        self.head = None;
        Ok(())
    }

    /// Puts the commands of failed batches back, before all others and in their order.
    pub(super) fn give_back(&mut self, failed: Vec<Batch>) {
        for batch in failed.iter() {
            self.unpin(batch);
        }
        let commands = failed.into_iter().flat_map(|batch| batch.commands);
        self.try_again(commands.map(|(waiting, _)| waiting).collect());
    }

    /// Puts commands back, before all others and in their order.
    pub(super) fn try_again(&mut self, commands: Vec<Waiting>) {
        for mut waiting in commands.into_iter().rev() {
            waiting.attempts += 1;
            match waiting.attempts {
                ..MOST_ATTEMPTS => self.ready.push_front(waiting),
                _ => waiting.fail(AppendError::Away("it keeps refusing".to_owned())),
            }
        }
        self.bring_back();
    }

    pub(super) fn unpin(&mut self, batch: &Batch) {
        for write in &batch.writes {
            self.desk.fail(write.stream);
        }
    }

    /// Whether there is a connection and the end of the log is known. When there can be none, all
    /// that are ready hear so.
    async fn is_connected(&mut self) -> Result<bool, WriterError> {
        if self.connection.is_some() && self.head.is_some() {
            return Ok(true);
        }
        if !self.under_way.is_empty() {
            return Ok(false);
        }
        match self.connect().await {
            Ok(head) => {
                self.adopt(head?);
                Ok(true)
            }
            Err(error) => {
                tracing::warn!(%error, "the log's database can't be reached");
                self.connection = None;
                let error = match error.is_away() {
                    true => AppendError::Away(error.to_string()),
                    false => AppendError::Fault(error.to_string()),
                };
                for waiting in self.ready.drain(..) {
                    waiting.fail(error.clone());
                }
                Ok(false)
            }
        }
    }

    /// Connects where there is no connection, and asks where the log ends.
    pub(super) async fn connect(&mut self) -> Result<Result<Head, WriterError>, Error> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.parts.target, statements::WRITER).await?,
        };
        let mut flight = Flight::new();
        flight.execute(statements::HEAD, &[])?;
        flight.execute(statements::DURABLE, &[])?;
        let reply = connection.round_trip(flight).await?;
        self.connection = Some(connection);
        let (epoch, head) = Head::read(reply.row(0)?)?;
        Ok(self.same_log(epoch, head.position).map(|()| head))
    }

    /// Fails when the log is another than the one that was opened, or has lost events.
    pub(super) fn same_log(&self, epoch: Uuid, position: i64) -> Result<(), WriterError> {
        let opened = self.parts.epoch;
        if epoch != opened {
            return Err(WriterError::OtherEpoch {
                opened,
                found: epoch,
            });
        }
        if position < self.committed {
            return Err(WriterError::Behind {
                known: self.committed,
                found: position,
            });
        }
        Ok(())
    }

    /// Takes over where the log ends. When others have written since the last commit of this
    /// process, what is at hand has to be verified again.
    pub(super) fn adopt(&mut self, head: Head) {
        if head.position != self.committed {
            self.desk.raise(head.position);
        }
        self.committed = head.position;
        self.head = Some(head);
    }
}

/// The persons whose data a command stores, when a key of them is not at hand.
fn unsealable(streams: &Streams, keys: &Keys) -> Result<Vec<Uuid>, personal::Error> {
    let mut persons = Vec::new();
    for event in streams.drafts().iter().flat_map(|draft| &draft.events) {
        persons.extend(persons_to_seal(&event.payload)?);
    }
    match persons.iter().all(|person| keys.contains(*person)) {
        true => Ok(Vec::new()),
        false => Ok(persons),
    }
}

/// Which log a counted batch was written to, where that ended before it, and when it was stored.
fn stand(reply: &Reply, place: usize) -> Result<(Uuid, i64, DateTime<Utc>), Error> {
    let row = reply.row(place)?;
    Ok((row.uuid(0)?, row.bigint(1)?, row.time(2)?))
}

/// Whether a batch was refused since the log does not end where the batch follows.
fn is_fence(error: &ServerError) -> bool {
    const DIVISION_BY_ZERO: &str = "22012";
    const UNIQUE_VIOLATION: &str = "23505";
    error.code == DIVISION_BY_ZERO
        || (error.code == UNIQUE_VIOLATION && error.constraint == "events_by_position")
}

pub(super) async fn reply(connection: &mut Option<Connection>) -> Result<Reply, Error> {
    match connection {
        Some(connection) => connection.receive().await,
        None => Err(Error::invalid("there is no connection")),
    }
}
