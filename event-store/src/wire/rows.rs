//! Many rows, taken as they come: a buffer full of messages at once, parsed by whoever wants them.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use postgres_protocol::message::backend;
use tokio::io::AsyncReadExt;
use uuid::Uuid;

use super::flight::time_of;
use super::reply::ServerError;
use super::{Connection, Error};

/// The message that is a row.
const DATA_ROW: u8 = b'D';
/// A message begins with what it is and its length, which counts itself.
const HEADER: usize = 5;

/// What the server rarely sends more of at once than this.
const BUFFER: usize = 16 * 1024;

/// Whole rows that follow each other, in PostgreSQL's binary form.
#[derive(Debug, Default)]
pub struct Rows(Bytes);

/// The fields of a row that were not read so far.
#[derive(Clone, Debug)]
pub struct Fields<'a>(&'a [u8]);

/// What comes next of a flight.
#[derive(Debug)]
pub enum Answer {
    /// All rows of its next statement.
    Rows(Rows),
    /// The refusal of its next statement, behind which none is executed; and whether it was
    /// prepared in that flight nevertheless.
    Refused(ServerError, bool),
    /// Nothing: it has ended.
    End,
}

impl Connection {
    /// The next rows of the first flight under way, at most `most` bytes of them unless one alone
    /// is more; none when it has ended, which it does after its last row. A refusal is an error.
    /// What was received so far is kept when the wait is broken off.
    pub(crate) async fn receive_rows(&mut self, most: usize) -> Result<Option<Rows>, Error> {
        loop {
            let next = self.pass_rows()?;
            let received = self.received.len();
            if self.whole > 0 && (next != Next::Unknown || received >= most) {
                let rows = self.received.split_to(std::mem::take(&mut self.whole));
                return Ok(Some(Rows(rows.freeze())));
            }
            if next == Next::Other {
                match self.message().await? {
                    backend::Message::ReadyForQuery(_) => return Ok(None),
                    backend::Message::ErrorResponse(body) => {
                        return Err(Error::Refused(ServerError::read(&body)));
                    }
                    _ => {}
                }
                continue;
            }
            if self.received.capacity() == received {
                self.received.reserve(most.max(received));
            }
            self.fill().await?;
        }
    }

    /// What comes next of the first flight under way.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn answer(&mut self) -> Result<Answer, Error> {
        let mut rows = Bytes::new();
        let mut prepared = false;
        loop {
            if self.pass_rows()? == Next::Unknown {
                if self.received.capacity() - self.received.len() < BUFFER / 4 {
                    self.received.reserve(BUFFER);
                }
                self.fill().await?;
                continue;
            }
            if self.whole > 0 {
                let whole = std::mem::take(&mut self.whole);
                rows = self.received.split_to(whole).freeze();
            }
            match self.message().await? {
                backend::Message::CommandComplete(_) | backend::Message::EmptyQueryResponse => {
                    return Ok(Answer::Rows(Rows(rows)));
                }
                backend::Message::ParseComplete => prepared = true,
                backend::Message::ErrorResponse(body) => {
                    return Ok(Answer::Refused(ServerError::read(&body), prepared));
                }
                backend::Message::ReadyForQuery(_) => return Ok(Answer::End),
                _ => {}
            }
        }
    }

    /// Counts the whole rows at the front of what was received; says what follows them.
    fn pass_rows(&mut self) -> Result<Next, Error> {
        loop {
            let rest = &self.received[self.whole..];
            let Some([kind, length @ ..]) = rest.first_chunk::<HEADER>() else {
                return Ok(Next::Unknown);
            };
            if *kind != DATA_ROW {
                return Ok(Next::Other);
            }
            let length = u32::from_be_bytes(*length) as usize + 1;
            if length < HEADER {
                return Err(Error::invalid("a row is shorter than its length"));
            }
            if rest.len() < length {
                return Ok(Next::Unknown);
            }
            self.whole += length;
        }
    }

    /// Receives more.
    pub(super) async fn fill(&mut self) -> Result<(), Error> {
        if self.transport.read_buf(&mut self.received).await? == 0 {
            let why = "the server closed the connection";
            let kind = std::io::ErrorKind::UnexpectedEof;
            return Err(Error::Io(std::io::Error::new(kind, why)));
        }
        Ok(())
    }
}

/// What follows the whole rows that were received.
#[derive(PartialEq)]
enum Next {
    /// Another message than a row.
    Other,
    /// Too little of it has come.
    Unknown,
}

impl Rows {
    /// Row by row, in the order of the server.
    pub fn iter(&self) -> impl Iterator<Item = Fields<'_>> {
        let mut rest: &[u8] = &self.0;
        std::iter::from_fn(move || {
            let [_, length @ ..] = rest.first_chunk::<HEADER>()?;
            let length = u32::from_be_bytes(*length) as usize + 1;
            let (row, after) = rest.split_at_checked(length)?;
            rest = after;
            // A count of fields comes first, which whoever reads them knows.
            Some(Fields(row.get(HEADER + 2..).unwrap_or_default()))
        })
    }
}

impl<'a> Fields<'a> {
    /// The bytes of the next field, none when it is null.
    ///
    /// # Errors
    /// When there is none.
    pub fn raw(&mut self) -> Result<Option<&'a [u8]>, Error> {
        let (length, rest) = self.0.split_first_chunk().ok_or_else(unexpected)?;
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            self.0 = rest;
            return Ok(None);
        };
        let (field, rest) = rest.split_at_checked(length).ok_or_else(unexpected)?;
        self.0 = rest;
        Ok(Some(field))
    }

    /// The bytes of the next field, which is not null.
    fn next(&mut self) -> Result<&'a [u8], Error> {
        self.raw()?.ok_or_else(unexpected)
    }

    /// Passes over so many fields.
    pub(crate) fn skip(mut self, count: usize) -> Result<Self, Error> {
        for _ in 0..count {
            self.next()?;
        }
        Ok(self)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        self.next()?.try_into().map_err(|_| unexpected())
    }

    pub(crate) fn bigint(&mut self) -> Result<i64, Error> {
        Ok(i64::from_be_bytes(self.fixed()?))
    }

    pub(crate) fn integer(&mut self) -> Result<i32, Error> {
        Ok(i32::from_be_bytes(self.fixed()?))
    }

    pub(crate) fn uuid(&mut self) -> Result<Uuid, Error> {
        Ok(Uuid::from_bytes(self.fixed()?))
    }

    pub(crate) fn time(&mut self) -> Result<DateTime<Utc>, Error> {
        time_of(self.bigint()?).ok_or_else(|| Error::invalid("a time is out of range"))
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, Error> {
        std::str::from_utf8(self.next()?).map_err(|_| Error::invalid("a text is not UTF-8"))
    }
}

fn unexpected() -> Error {
    Error::invalid("a row has other fields than were asked for")
}
