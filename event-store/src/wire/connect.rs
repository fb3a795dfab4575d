//! A connection: made, signed in, with prepared statements; then flights.

use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::message::backend;
use tokio::io::AsyncWriteExt;

use super::reply::{Reply, Row, ServerError};
use super::transport::Transport;
use super::{Error, Flight, Target};

/// How long a connection may take to be made.
const CONNECT_LIMIT: Duration = Duration::from_secs(2);

/// A connection on which flights go out, and replies come back in their order.
pub struct Connection {
    pub(super) transport: Transport,
    pub(super) received: BytesMut,
    /// How many bytes of it are whole rows that nobody has taken.
    pub(super) whole: usize,
    reply: Reply,
    rows: Vec<Row>,
}

impl Connection {
    /// Connects and prepares `statements`, pairs of a name and its SQL.
    ///
    /// # Errors
    /// When that takes more than two seconds, or the server refuses.
    pub async fn open(target: &Target, statements: &[(&str, &str)]) -> Result<Self, Error> {
        let opened = tokio::time::timeout(CONNECT_LIMIT, Self::start(target, statements));
        opened.await.map_err(|_| Error::TimedOut(CONNECT_LIMIT))?
    }

    async fn start(target: &Target, statements: &[(&str, &str)]) -> Result<Self, Error> {
        let mut connection = Self {
            transport: target.transport().await?,
            received: BytesMut::with_capacity(16 * 1024),
            whole: 0,
            reply: Reply::default(),
            rows: Vec::new(),
        };
        connection.sign_in(target).await?;
        let mut flight = Flight::new();
        for (name, sql) in statements {
            flight.parse(name, sql, &[])?;
        }
        connection.send(flight).await?;
        match connection.receive().await?.error {
            Some(error) => Err(Error::Refused(error)),
            None => Ok(connection),
        }
    }

    /// Sends a flight; its reply comes after those of the flights before it.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn send(&mut self, flight: Flight) -> Result<(), Error> {
        self.write(&flight.end()).await
    }

    /// The next reply. What was received so far is kept when the wait is broken off.
    pub(crate) async fn receive(&mut self) -> Result<Reply, Error> {
        loop {
            match self.message().await? {
                backend::Message::DataRow(body) => self.rows.push(Row::read(&body)?),
                backend::Message::CommandComplete(_) | backend::Message::EmptyQueryResponse => {
                    let rows = std::mem::take(&mut self.rows);
                    self.reply.statements.push(rows);
                }
                backend::Message::ErrorResponse(body) => {
                    self.reply.error = Some(ServerError::read(&body));
                }
                backend::Message::ReadyForQuery(_) => {
                    self.rows.clear();
                    return Ok(std::mem::take(&mut self.reply));
                }
                _ => {}
            }
        }
    }

    /// Sends a flight and waits for its reply, which is no refusal; only when no other is under
    /// way.
    pub(crate) async fn round_trip(&mut self, flight: Flight) -> Result<Reply, Error> {
        self.send(flight).await?;
        let mut reply = self.receive().await?;
        match reply.error.take() {
            Some(error) => Err(Error::Refused(error)),
            None => Ok(reply),
        }
    }

    pub(super) async fn message(&mut self) -> Result<backend::Message, Error> {
        loop {
            if let Some(message) = backend::Message::parse(&mut self.received)? {
                return Ok(message);
            }
            self.fill().await?;
        }
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.transport.write_all(bytes).await?;
        Ok(self.transport.flush().await?)
    }
}
