//! What the server answers to a flight.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use postgres_protocol::message::backend::{DataRowBody, ErrorResponseBody};
use uuid::Uuid;

use super::Error;
use super::flight::time_of;

/// The answer to a flight: the rows of each of its statements, up to the first that failed.
#[derive(Default)]
pub(crate) struct Reply {
    /// Rows, statement by statement.
    pub(crate) statements: Vec<Vec<Row>>,
    /// Why it was rolled back, if it was.
    pub(crate) error: Option<ServerError>,
}

impl Reply {
    /// The rows of the statement at `index`.
    pub(crate) fn rows(&self, index: usize) -> Result<&[Row], Error> {
        let rows = self.statements.get(index);
        rows.map(Vec::as_slice)
            .ok_or_else(|| Error::invalid("the server left a statement unanswered"))
    }

    /// The one row of the statement at `index`.
    pub(crate) fn row(&self, index: usize) -> Result<&Row, Error> {
        self.rows(index)?
            .first()
            .ok_or_else(|| Error::invalid("the server sent no row"))
    }
}

/// What the server says is wrong.
#[derive(Debug, Clone, Default)]
pub struct ServerError {
    /// SQLSTATE.
    pub code: String,
    /// A sentence of the server's.
    pub message: String,
    /// The index or constraint that stood in the way.
    pub constraint: String,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl ServerError {
    pub(super) fn read(body: &ErrorResponseBody) -> Self {
        use postgres_protocol::message::backend::ErrorField;
        let mut error = Self::default();
        let mut fields = body.fields();
        let text = |field: &ErrorField<'_>| String::from_utf8_lossy(field.value_bytes()).into();
        while let Ok(Some(field)) = fallible_iterator::FallibleIterator::next(&mut fields) {
            match field.type_() {
                b'C' => error.code = text(&field),
                b'M' => error.message = text(&field),
                b'n' => error.constraint = text(&field),
                _ => {}
            }
        }
        error
    }

    /// Connection exceptions, too many connections, shutdown, crash, starting up.
    pub fn is_away(&self) -> bool {
        self.code.starts_with("08") || self.code.starts_with("57P0") || self.code == "53300"
    }
}

/// A row in PostgreSQL's binary form.
pub(crate) struct Row {
    bytes: Bytes,
    fields: Vec<Option<Range<usize>>>,
}

impl Row {
    pub(super) fn read(body: &DataRowBody) -> Result<Self, Error> {
        let fields = fallible_iterator::FallibleIterator::collect(body.ranges())?;
        Ok(Self {
            bytes: body.buffer_bytes().clone(),
            fields,
        })
    }

    /// The bytes of a field, none when it is null.
    pub(crate) fn raw(&self, field: usize) -> Result<Option<&[u8]>, Error> {
        let range = self.fields.get(field);
        let range = range.ok_or_else(|| Error::invalid("a row has fewer fields than asked for"))?;
        Ok(range.clone().map(|range| &self.bytes[range]))
    }

    fn fixed<const N: usize>(&self, field: usize) -> Result<[u8; N], Error> {
        let raw = self.raw(field)?.and_then(|bytes| bytes.try_into().ok());
        raw.ok_or_else(|| Error::invalid("a field has another size than its type"))
    }

    pub(crate) fn bigint(&self, field: usize) -> Result<i64, Error> {
        Ok(i64::from_be_bytes(self.fixed(field)?))
    }

    pub(crate) fn integer(&self, field: usize) -> Result<i32, Error> {
        Ok(i32::from_be_bytes(self.fixed(field)?))
    }

    pub(crate) fn uuid(&self, field: usize) -> Result<Uuid, Error> {
        Ok(Uuid::from_bytes(self.fixed(field)?))
    }

    pub(crate) fn time(&self, field: usize) -> Result<DateTime<Utc>, Error> {
        time_of(self.bigint(field)?).ok_or_else(|| Error::invalid("a time is out of range"))
    }

    pub(crate) fn text(&self, field: usize) -> Result<&str, Error> {
        let bytes = self.raw(field)?.unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|_| Error::invalid("a text is not UTF-8"))
    }

    pub(crate) fn bigints(&self, field: usize) -> Result<Vec<i64>, Error> {
        let bytes = self.raw(field)?.unwrap_or_default();
        let items = bytes.get(20..).unwrap_or_default();
        let numbers = items.chunks_exact(12).map(|item| {
            let number = item[4..].try_into();
            number.map(i64::from_be_bytes)
        });
        numbers
            .collect::<Result<_, _>>()
            .map_err(|_| Error::invalid("an array has another shape than its type"))
    }
}
