//! A round under the lock: the log is locked first, and everything that the commands rest on is
//! checked before they are decided. Slower by a round trip, and sure to get through where a batch
//! was refused and nobody knows for which command, or several processes write to one stream.

use std::collections::{HashMap, HashSet};

use domain::streams::{StreamId, StreamKind, Streams};

use super::AppendError;
use super::batch::{Batch, Head, MOST_COMMANDS};
use super::desk::Look;
use super::job::{Decision, Outcome, Waiting, broken};
use super::writer::{Mode, Writer, WriterError};
use crate::idempotency::Stored;
use crate::load::{LoadError, Point};
use crate::statements;
use crate::wire::{Error, Flight, Reply, Row, Value};

/// After so many statements of [`lock`] come those that check streams, and then those for keys.
const CHECKED: usize = 3;

/// A stream that is checked under the lock.
struct Check {
    stream: StreamId,
    kind: StreamKind,
    known: Point,
}

impl Writer {
    /// One batch under the lock; so many more are to follow.
    pub(super) async fn locked_round(&mut self, left: u32) -> Result<(), WriterError> {
        let (candidates, checks) = self.candidates();
        if candidates.is_empty() {
            return Ok(());
        }
        let mut reply = match self.round_trip(lock(&candidates, &checks)).await {
            Ok(reply) => reply,
            Err(error) => return self.not_locked(candidates, &error),
        };
        let head = match self.locked(&reply)? {
            Ok(head) => head,
            Err(error) => return self.not_locked(candidates, &error),
        };
        self.mode = match (self.alone, left) {
            (0, 0) => Mode::Turns { quiet: 0 },
            _ => Mode::Locked {
                left: left.saturating_sub(1),
            },
        };
        let found = reply.statements.split_off(CHECKED);
        let keyed = candidates.iter().filter(|one| one.stored_as.is_some());
        if found.len() != checks.len() + keyed.count() {
            let error = Error::invalid("the server left a statement unanswered");
            return self.not_locked(candidates, &error);
        }
        let (streams, keys) = found.split_at(checks.len());
        let unloadable = self.verify(checks, streams, head).await;
        let count = self.unanswered(candidates, keys, &unloadable);
        let batch = self.form(Batch::new(head), count);
        self.write_locked(batch).await
    }

    /// The commands of the next batch, and the streams they are known to need. Those whose streams
    /// are not at hand are parked, so that the lock is not held while a long stream is read.
    fn candidates(&mut self) -> (Vec<Waiting>, Vec<Check>) {
        let most = if self.alone > 0 { 1 } else { MOST_COMMANDS };
        self.alone = self.alone.saturating_sub(1);
        let mut candidates = Vec::new();
        let (mut checks, mut seen, mut keys) = (Vec::new(), HashSet::new(), HashSet::new());
        while candidates.len() < most {
            let Some(waiting) = self.ready.pop_front() else {
                break;
            };
            if waiting.stored_as.is_some_and(|key| !keys.insert(key)) {
                self.ready.push_front(waiting);
                break;
            }
            let Some((waiting, needed)) = self.preview(waiting) else {
                continue;
            };
            for check in needed {
                if seen.insert(check.stream) {
                    checks.push(check);
                }
            }
            candidates.push(waiting);
        }
        (candidates, checks)
    }

    /// Runs a decision to learn which streams it needs, on whatever is at hand of them.
    fn preview(&mut self, mut waiting: Waiting) -> Option<(Waiting, Vec<Check>)> {
        let mut streams = Streams::default();
        let mut checks: Vec<Check> = Vec::new();
        let mut asked = waiting.needs.clone();
        loop {
            for (stream, kind) in asked.drain(..) {
                let is_new = waiting.job.request().new.contains(&stream);
                let known = match (
                    self.desk.committed(stream),
                    self.desk.look(stream, &kind, true),
                ) {
                    (Some(known), Look::Known(_) | Look::Unknown(Some(_))) => known,
                    _ if is_new => Point::empty(&kind),
                    _ => {
                        self.park(waiting, stream, kind, None);
                        return None;
                    }
                };
                streams.insert(stream, known.loaded(&kind));
                checks.push(Check {
                    stream,
                    kind,
                    known,
                });
            }
            match waiting.job.decide(&mut streams) {
                Decision::Missing(stream, kind) => {
                    waiting.need(stream, kind);
                    streams.restart();
                    asked.push((stream, kind));
                }
                Decision::Broken => {
                    waiting.fail(broken());
                    return None;
                }
                Decision::Refused | Decision::Accepted(_) => return Some((waiting, checks)),
            }
        }
    }

    /// Ends the transaction that holds the lock; whether the connection is still of use.
    pub(super) async fn roll_back(&mut self) -> bool {
        let mut flight = Flight::new();
        match flight.execute(statements::ROLLBACK, &[]) {
            Ok(()) => self.round_trip(Ok(flight)).await.is_ok(),
            Err(_) => false,
        }
    }

    async fn round_trip(&mut self, flight: std::io::Result<Flight>) -> Result<Reply, Error> {
        let connection = self.connection.as_mut();
        let connection = connection.ok_or_else(|| Error::invalid("there is no connection"))?;
        connection.round_trip(flight?).await
    }

    /// Nothing was decided under the lock yet: the commands come next time.
    fn not_locked(&mut self, candidates: Vec<Waiting>, error: &Error) -> Result<(), WriterError> {
        tracing::debug!(%error, "the log could not be locked");
        self.connection = None;
        self.head = None;
        self.try_again(candidates);
        Ok(())
    }

    /// Where the log ends, now that nobody else can write.
    fn locked(&mut self, reply: &Reply) -> Result<Result<Head, Error>, WriterError> {
        let (epoch, head) = match reply.row(CHECKED - 1).and_then(Head::read) {
            Ok(read) => read,
            Err(error) => return Ok(Err(error)),
        };
        self.same_log(epoch, head.position)?;
        self.adopt(head);
        Ok(Ok(head))
    }

    /// Takes over what was read of the streams under the lock; gives those that can't be loaded.
    async fn verify(
        &mut self,
        checks: Vec<Check>,
        found: &[Vec<Row>],
        head: Head,
    ) -> HashMap<StreamId, LoadError> {
        let mut unloadable = HashMap::new();
        for (check, rows) in checks.into_iter().zip(found) {
            let (stream, keyring) = (check.stream, &self.parts.keyring);
            let follow = check.known.follow(stream, &check.kind, rows, keyring);
            match follow.await {
                Ok(point) => self.desk.put(stream, point, head.position),
                Err(error) => drop(unloadable.insert(stream, error)),
            }
        }
        unloadable
    }

    /// Answers the commands whose keys were used, or whose streams can't be loaded. The others are
    /// the first that are ready then, and so many.
    fn unanswered(
        &mut self,
        candidates: Vec<Waiting>,
        keys: &[Vec<Row>],
        unloadable: &HashMap<StreamId, LoadError>,
    ) -> usize {
        let mut keys = keys.iter();
        let mut left = Vec::new();
        for mut waiting in candidates {
            waiting.looked_up = true;
            let found = waiting.stored_as.and_then(|_| keys.next()?.first());
            let stored = found.map(Stored::read).transpose();
            let mut needs = waiting.needs.iter();
            let refused = needs.find_map(|(stream, _)| unloadable.get(stream));
            match (stored, refused) {
                (Ok(Some(stored)), _) => waiting.end(Outcome::Replayed(stored)),
                (Err(error), _) => waiting.end(Outcome::Unloadable(error.into())),
                (Ok(None), Some(error)) => waiting.end(Outcome::Unloadable(error.clone())),
                (Ok(None), None) => left.push(waiting),
            }
        }
        let count = left.len();
        for waiting in left.into_iter().rev() {
            self.ready.push_front(waiting);
        }
        count
    }

    /// Writes a batch and gives the lock back.
    async fn write_locked(&mut self, batch: Batch) -> Result<(), WriterError> {
        let mut flight = Flight::new();
        let filled = batch
            .rows(&mut flight)
            .and_then(|()| flight.execute(statements::COMMIT, &[]));
        if let Err(error) = filled {
            self.connection = None;
            self.unpin(&batch);
            for (waiting, _) in batch.commands {
                waiting.fail(AppendError::Fault(error.to_string()));
            }
            return Ok(());
        }
        match self.round_trip(Ok(flight)).await {
            Ok(_) => {
                self.head = Some(batch.head);
                self.commit(batch);
                Ok(())
            }
            Err(Error::Refused(error)) if !error.is_away() => {
                self.refused_under_lock(batch, &error.to_string()).await;
                Ok(())
            }
            Err(error) => {
                self.under_way.push_back(batch);
                self.resolve(&error).await
            }
        }
    }

    /// Nobody else is in the way, so one of the commands is at fault: they are sent one by one.
    async fn refused_under_lock(&mut self, batch: Batch, why: &str) {
        if !self.roll_back().await {
            self.connection = None;
        }
        if let [_] = batch.commands.as_slice() {
            tracing::error!(why, "the database refused a command");
            self.unpin(&batch);
            for (waiting, _) in batch.commands {
                waiting.fail(AppendError::Fault(why.to_owned()));
            }
            return self.bring_back();
        }
        tracing::error!(why, commands = batch.commands.len(), "a batch was refused");
        self.alone = batch.commands.len();
        self.mode = Mode::Locked { left: 0 };
        self.give_back(vec![batch]);
    }
}

/// The lock, and what has to be known under it.
fn lock(candidates: &[Waiting], checks: &[Check]) -> std::io::Result<Flight> {
    let mut flight = Flight::new();
    flight.execute(statements::BEGIN, &[])?;
    flight.execute(statements::LOCK, &[])?;
    // A statement of its own: it looks after the lock is there.
    flight.execute(statements::HEAD, &[])?;
    for check in checks {
        let version = Value::Bigint(check.known.version.cast_signed());
        flight.execute(statements::TAIL, &[Value::Uuid(check.stream.id), version])?;
    }
    for waiting in candidates {
        if let Some((_, id)) = waiting.stored_as {
            flight.execute(statements::KEY, &[Value::Uuid(id)])?;
        }
    }
    Ok(flight)
}
