//! Taking turns, for times when several processes write.
//!
//! The lock is asked for as soon as there is a command; until it is there, commands are decided
//! into the batch, on states that may be stale and with positions -1, -2, …. When the turn comes,
//! the positions are counted from where the log then ends, and what the batch rests on is checked
//! by the flight that stores it. So little is left to do while everybody waits.

use super::batch::{Batch, Head, MOST_COMMANDS};
use super::writer::{Mode, Writer, WriterError};
use crate::statements;
use crate::wire::{Error, Flight, Reply};

/// After so many turns without anybody else's events the fence will do again.
const QUIET_ENOUGH: u32 = 4;
/// Where in the reply is where the log ends.
const HEAD: usize = 2;

impl Writer {
    /// Decides what is ready, and asks for a turn to store it.
    pub(super) async fn ask_for_turn(&mut self, last: Head) -> Result<(), WriterError> {
        let batch = self.form(Batch::for_turn(last), MOST_COMMANDS);
        if batch.commands.is_empty() {
            return Ok(());
        }
        self.open = Some(batch);
        let asked = match (&mut self.connection, turn()) {
            (Some(connection), Ok(flight)) => connection.send(flight).await,
            (None, _) => Err(Error::invalid("there is no connection")),
            (_, Err(error)) => Err(error.into()),
        };
        match asked {
            Ok(()) => Ok(()),
            Err(error) => self.resolve(&error).await,
        }
    }

    /// The turn has come: nobody else can write until the batch is stored.
    pub(super) async fn take_turn(
        &mut self,
        mut batch: Batch,
        reply: Reply,
    ) -> Result<(), WriterError> {
        let read = match reply.error {
            Some(error) => Err(Error::Refused(error)),
            None => reply.row(HEAD).and_then(Head::read),
        };
        let (epoch, head) = match read {
            Ok(read) => read,
            Err(error) => {
                self.open = Some(batch);
                return self.resolve(&error).await;
            }
        };
        self.same_log(epoch, head.position)?;
        let others = self.adopt(head);
        self.mode = match self.mode {
            Mode::Turns { .. } if others => Mode::Turns { quiet: 0 },
            Mode::Turns { quiet } if quiet >= QUIET_ENOUGH => Mode::Fenced { lost: 0 },
            Mode::Turns { quiet } => Mode::Turns { quiet: quiet + 1 },
            other => other,
        };
        batch.count_from(head);
        self.send(batch).await
    }
}

/// Asks for the lock. Where the log ends is asked by a statement of its own, which looks after the
/// lock is there.
fn turn() -> std::io::Result<Flight> {
    let mut flight = Flight::new();
    flight.execute(statements::BEGIN, &[])?;
    flight.execute(statements::LOCK, &[])?;
    flight.execute(statements::HEAD, &[])?;
    Ok(flight)
}
