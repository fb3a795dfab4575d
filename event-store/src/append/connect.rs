//! The writer's connection, and where the log ends.

use uuid::Uuid;

use super::AppendError;
use super::batch::Head;
use super::writer::{Writer, WriterError};
use crate::statements;
use crate::wire::{Connection, Error, Flight};

impl Writer {
    /// Whether there is a connection and the end of the log is known. When there can be none, all
    /// that are ready hear so.
    pub(super) async fn is_connected(&mut self) -> Result<bool, WriterError> {
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
    /// process, what is at hand has to be verified again. Gives whether they have.
    pub(super) fn adopt(&mut self, head: Head) -> bool {
        let others = head.position != self.committed;
        if others {
            self.desk.raise(head.position);
        }
        self.committed = head.position;
        self.head = Some(head);
        others
    }
}
