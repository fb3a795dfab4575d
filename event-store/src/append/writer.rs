//! The one task that writes: it gathers, decides, sends and answers.
//!
//! Ordinarily a batch follows the one before it by its position alone (the fence), and a second
//! one may be under way. While other processes write too, they take turns (`turn.rs`). When the
//! database refuses a batch, the writer locks the log first and checks everything under the lock
//! (`lock.rs`).

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::streams::{StreamId, Streams};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::AppendError;
use super::answer::reply;
use super::ask::Read;
use super::batch::{Batch, Head, MOST_COMMANDS};
use super::desk::{Desk, Look};
use super::job::{Decision, Waiting, broken};
use crate::load::snapshot::Snapshots;
use crate::load::{Point, Reader};
use crate::log::Topics;
use crate::personal::{self, Keyring, Keys, persons_to_seal};
use crate::wire::{Connection, Error, Target};

/// So many have to be ready for a second batch while the first is under way: a smaller one would
/// cost more than it saves.
const ENOUGH_FOR_A_SECOND: usize = 32;
/// The most batches under way.
const MOST_UNDER_WAY: usize = 2;

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

/// How a batch is kept from following another process's events.
#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// By the fence; lost so many times in a row.
    Fenced { lost: u32 },
    /// By turns; so many in a row found nobody else's events.
    Turns { quiet: u32 },
    /// By the lock, with everything checked under it; so many more batches after the next one.
    Locked { left: u32 },
}

pub(crate) struct Writer {
    pub(super) parts: Parts,
    pub(super) connection: Option<Connection>,
    /// Where the log ends when everything under way is committed.
    pub(super) head: Option<Head>,
    /// Where it ended at the last commit of this process.
    pub(super) committed: i64,
    pub(super) desk: Desk,
    pub(super) mode: Mode,
    /// So many commands are sent one by one: one of them was refused by the database.
    pub(super) alone: usize,
    /// Commands to decide, in order.
    pub(super) ready: VecDeque<Waiting>,
    /// Commands that wait for a stream to be read.
    pub(super) parked: HashMap<StreamId, Vec<Waiting>>,
    /// Commands that wait for what is under way.
    pub(super) deferred: Vec<Waiting>,
    pub(super) under_way: VecDeque<Batch>,
    /// The batch that waits for its turn; nothing else is under way then.
    pub(super) open: Option<Batch>,
    arrivals: mpsc::Receiver<Waiting>,
    reads: mpsc::UnboundedReceiver<Read>,
    pub(super) tell: mpsc::UnboundedSender<Read>,
    /// Commands whose idempotency keys or persons' keys are being looked up.
    pub(super) looked_up: usize,
    /// Until when keys are looked up first.
    pub(super) suspicious_until: Instant,
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
            open: None,
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
                reply = reply(&mut self.connection), if self.is_answered() => {
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
        waiting == 0 && !self.is_answered()
    }

    /// Whether the database has something to answer.
    fn is_answered(&self) -> bool {
        !self.under_way.is_empty() || self.open.is_some()
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
        if let Some(batch) = self.open.take() {
            self.open = Some(self.form(batch, MOST_COMMANDS));
        }
        while !self.ready.is_empty() && self.may_send() {
            if !self.is_connected().await? {
                return Ok(());
            }
            let Some(head) = self.head else { return Ok(()) };
            match self.mode {
                Mode::Locked { left } => self.locked_round(left).await?,
                Mode::Turns { .. } => self.ask_for_turn(head).await?,
                Mode::Fenced { .. } => {
                    let batch = self.form(Batch::new(head), MOST_COMMANDS);
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
            0 => self.open.is_none(),
            MOST_UNDER_WAY.. => false,
            _ => {
                matches!(self.mode, Mode::Fenced { .. }) && self.ready.len() >= ENOUGH_FOR_A_SECOND
            }
        }
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
                match self.desk.look(stream, &kind, batch.in_turn()) {
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
                    return batch.accept(waiting, streams, answer, &mut self.desk, topics);
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
    pub(super) async fn send(&mut self, mut batch: Batch) -> Result<(), WriterError> {
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
        self.head = Some(batch.head);
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
