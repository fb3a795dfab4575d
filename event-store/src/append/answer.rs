//! What the database says of a batch, and what the callers hear.

use std::time::Instant;

use super::ask::SUSPICIOUS;
use super::batch::Batch;
use super::job::{Outcome, Waiting};
use super::writer::{Mode, Writer, WriterError};
use super::{AppendError, Mark};
use super::{measure, spans};
use crate::wire::{Connection, Error, Reply, ServerError};

/// How often in a row a batch may find another process's events before the writer takes turns.
const MOST_LOST: u32 = 2;
/// So many batches are written under the lock when others write to the same streams.
const ROUNDS_OF_CONTENTION: u32 = 8;
/// How often a command is sent before its caller hears that the log is away.
const MOST_ATTEMPTS: u32 = 50;

impl Writer {
    /// A reply came to the first batch under way.
    pub(super) async fn replied(&mut self, reply: Result<Reply, Error>) -> Result<(), WriterError> {
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return self.resolve(&error).await,
        };
        if let Some(batch) = self.open.take() {
            return self.take_turn(batch, reply).await;
        }
        let Some(batch) = self.under_way.pop_front() else {
            return Ok(());
        };
        if let Some(error) = reply.error {
            return self.refused(batch, error).await;
        }
        if !batch.in_turn() {
            self.mode = Mode::Fenced { lost: 0 };
        }
        self.commit(batch);
        Ok(())
    }

    /// Answers a batch that is committed.
    pub(super) fn commit(&mut self, batch: Batch) {
        self.committed = batch.head.position;
        measure::committed(&batch);
        spans::committed(&batch);
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
        if batch.in_turn() && !self.roll_back().await {
            self.connection = None;
        }
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
        measure::refused();
        self.give_back(failed);
        self.mode = match (is_fence(&error), self.mode) {
            (true, Mode::Fenced { lost }) if lost + 1 < MOST_LOST => {
                tracing::debug!("another process has written");
                Mode::Fenced { lost: lost + 1 }
            }
            (true, Mode::Fenced { .. }) => Mode::Turns { quiet: 0 },
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

    /// Answers a command of a committed batch. Before a refusal is given, the key is looked up: the
    /// command may have been carried out when it came first.
    fn answer(&mut self, waiting: Waiting, marks: Vec<Mark>) {
        if waiting.job.is_refused() && !waiting.looked_up && waiting.stored_as.is_some() {
            return self.look_up(waiting);
        }
        waiting.end(Outcome::Done(marks));
    }
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
