//! After a connection broke while batches were under way: which of them are committed?
//!
//! The term is raised first. That waits for a batch that the old connection may still be
//! committing, and shuts out any that it has not begun; what is stored then stays as it is.

use std::time::Duration;

use super::AppendError;
use super::batch::Batch;
use super::job::Outcome;
use super::writer::{Mode, Writer, WriterError};
use crate::statements;
use crate::wire::{Error, Flight, Value};

/// How long a broken commit is looked into before its callers hear that nobody knows.
const LIMIT: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(200);

impl Writer {
    /// Finds out what became of every batch under way; those that are not committed are decided
    /// again, under the lock, where their keys are looked up first.
    pub(super) async fn resolve(&mut self, broken: &Error) -> Result<(), WriterError> {
        tracing::warn!(%broken, batches = self.under_way.len(), "the writer's connection broke");
        self.connection = None;
        self.head = None;
        self.mode = Mode::Locked { left: 0 };
        // Whose turn had not come has not been sent.
        if let Some(batch) = self.open.take() {
            self.give_back(vec![batch]);
        }
        if self.under_way.iter().all(|batch| !batch.writes_rows()) {
            let failed = self.under_way.drain(..).collect();
            self.give_back(failed);
            return Ok(());
        }
        let deadline = tokio::time::Instant::now() + LIMIT;
        loop {
            match self.look().await {
                Ok(committed) => {
                    self.settle(committed?);
                    return Ok(());
                }
                Err(error) if tokio::time::Instant::now() < deadline => {
                    tracing::warn!(%error, "waiting to learn how a broken commit ended");
                    self.connection = None;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(_) => {
                    self.give_up();
                    return Ok(());
                }
            }
        }
    }

    /// Which of the batches under way are committed: where their first events stand. A batch
    /// without events counts as not: its records are found by their keys.
    async fn look(&mut self) -> Result<Result<Vec<bool>, WriterError>, Error> {
        if let Err(other) = self.connect().await? {
            return Ok(Err(other));
        }
        let under_way = self.under_way.iter();
        let firsts = under_way.map(|batch| {
            let first = batch.first_event()?;
            Some((first.stream.id, first.sequence, first.event_id))
        });
        let firsts: Vec<_> = firsts.collect();
        let connection = self.connection.as_mut();
        let connection = connection.ok_or_else(|| Error::invalid("there is no connection"))?;
        let mut raise = Flight::new();
        raise.execute(statements::RAISE_TERM, &[])?;
        connection.round_trip(raise).await?;
        let mut committed = Vec::new();
        for first_event in firsts {
            let Some((stream, sequence, event_id)) = first_event else {
                committed.push(false);
                continue;
            };
            let mut flight = Flight::new();
            let event = [Value::Uuid(stream), Value::Bigint(sequence)];
            flight.execute(statements::EVENT_OF, &event)?;
            let reply = connection.round_trip(flight).await?;
            let row = reply.rows(0)?.first();
            let found = row.map(|row| row.uuid(0)).transpose()?;
            committed.push(found == Some(event_id));
        }
        Ok(Ok(committed))
    }

    fn settle(&mut self, committed: Vec<bool>) {
        let mut failed: Vec<Batch> = Vec::new();
        let under_way = std::mem::take(&mut self.under_way);
        for (batch, committed) in under_way.into_iter().zip(committed) {
            match committed {
                true => self.commit(batch),
                false => failed.push(batch),
            }
        }
        self.head = None;
        self.give_back(failed);
    }

    /// Nobody can tell any more.
    fn give_up(&mut self) {
        for batch in std::mem::take(&mut self.under_way) {
            self.unpin(&batch);
            let error = match batch.writes_rows() {
                true => AppendError::Unknown,
                false => AppendError::Away("its answer never came".to_owned()),
            };
            for (waiting, _) in batch.commands {
                waiting.end(Outcome::Failed(error.clone()));
            }
        }
        self.bring_back();
    }
}
