//! A flight: the messages of one transaction, sent at once.

use bytes::{BufMut, BytesMut};
use chrono::{DateTime, Utc};
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;
use uuid::Uuid;

/// Microseconds from 1970 to 2000, where PostgreSQL's timestamps begin.
const EPOCH_2000: i64 = 946_684_800_000_000;

/// PostgreSQL's numbers of types.
const BIGINT: u32 = 20;
const UUID: u32 = 2950;

/// A value in PostgreSQL's binary form.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    Bigint(i64),
    Uuid(Uuid),
    Text(&'a str),
    Uuids(&'a [Uuid]),
    Bigints(&'a [i64]),
}

/// Messages that are under way together and end with a Sync: without an explicit BEGIN they are
/// one transaction, which the Sync commits.
pub struct Flight {
    pub(super) bytes: BytesMut,
}

impl Default for Flight {
    fn default() -> Self {
        Self::new()
    }
}

impl Flight {
    /// One that does nothing yet.
    pub fn new() -> Self {
        Self {
            bytes: BytesMut::with_capacity(16 * 1024),
        }
    }

    /// Executes a prepared statement; its rows come in binary form.
    pub(crate) fn execute(&mut self, statement: &str, values: &[Value<'_>]) -> std::io::Result<()> {
        let put = |value: &Value<'_>, bytes: &mut BytesMut| {
            match value {
                Value::Bigint(number) => bytes.put_i64(*number),
                Value::Uuid(id) => bytes.put_slice(id.as_bytes()),
                Value::Text(text) => bytes.put_slice(text.as_bytes()),
                Value::Uuids(ids) => encode::array(bytes, UUID, ids, encode::uuid),
                Value::Bigints(numbers) => encode::array(bytes, BIGINT, numbers, encode::bigint),
            }
            Ok(IsNull::No)
        };
        frontend::bind("", statement, [1], values, put, [1], &mut self.bytes)
            .map_err(|_| std::io::Error::other("a value is longer than the protocol allows"))?;
        frontend::execute("", 0, &mut self.bytes)
    }

    /// Executes a prepared statement whose parameters are the fields of a row, as
    /// [`encode::row`] begins it: the protocol writes both alike. Its rows come in binary form.
    ///
    /// # Errors
    /// When the row is longer than the protocol allows.
    pub fn execute_with(&mut self, statement: &str, row: &[u8]) -> std::io::Result<()> {
        let bytes = &mut self.bytes;
        bytes.put_u8(b'B');
        let length = 4 + 1 + statement.len() + 1 + 4 + row.len() + 4;
        bytes.put_i32(i32::try_from(length).map_err(std::io::Error::other)?);
        bytes.put_u8(0);
        bytes.put_slice(statement.as_bytes());
        bytes.put_u8(0);
        bytes.put_i16(1);
        bytes.put_i16(1);
        bytes.put_slice(row);
        bytes.put_i16(1);
        bytes.put_i16(1);
        frontend::execute("", 0, bytes)
    }

    /// Executes a prepared `COPY … FROM STDIN (FORMAT binary)` with these rows, each as
    /// [`encode::row`] begins it.
    pub(crate) fn copy(&mut self, statement: &str, rows: &[u8]) -> std::io::Result<()> {
        self.execute(statement, &[])?;
        let header = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
        let length = 4 + header.len() + rows.len() + 2;
        let length = i32::try_from(length).map_err(std::io::Error::other)?;
        self.bytes.put_u8(b'd');
        self.bytes.put_i32(length);
        self.bytes.put_slice(header);
        self.bytes.put_slice(rows);
        self.bytes.put_i16(-1);
        frontend::copy_done(&mut self.bytes);
        Ok(())
    }

    /// Prepares a statement under a name. Parameters have these types (PostgreSQL's numbers of
    /// them); further ones those that the server finds fit.
    ///
    /// # Errors
    /// When the statement is longer than the protocol allows, or has a NUL.
    pub fn parse(&mut self, name: &str, sql: &str, types: &[u32]) -> std::io::Result<()> {
        frontend::parse(name, sql, types.iter().copied(), &mut self.bytes)
    }

    /// Forgets a prepared statement.
    ///
    /// # Errors
    /// When the name has a NUL.
    pub fn close(&mut self, name: &str) -> std::io::Result<()> {
        frontend::close(b'S', name, &mut self.bytes)
    }

    pub(super) fn end(mut self) -> BytesMut {
        frontend::sync(&mut self.bytes);
        self.bytes
    }
}

/// The fields of a row, in PostgreSQL's binary form.
pub mod encode {
    use super::{BIGINT, BufMut, BytesMut, DateTime, EPOCH_2000, Utc, Uuid};

    /// Begins a row of so many fields.
    pub fn row(bytes: &mut BytesMut, fields: i16) {
        bytes.put_i16(fields);
    }

    /// text, json or bytea.
    pub fn raw(bytes: &mut BytesMut, value: &[u8]) {
        // A request, and so an event, is far below 2 GiB.
        bytes.put_i32(value.len() as i32);
        bytes.put_slice(value);
    }

    /// bigint.
    pub fn bigint(bytes: &mut BytesMut, value: i64) {
        bytes.put_i32(8);
        bytes.put_i64(value);
    }

    /// integer, or the days of a date.
    pub fn integer(bytes: &mut BytesMut, value: i32) {
        bytes.put_i32(4);
        bytes.put_i32(value);
    }

    /// uuid.
    pub fn uuid(bytes: &mut BytesMut, value: Uuid) {
        bytes.put_i32(16);
        bytes.put_slice(value.as_bytes());
    }

    /// timestamptz.
    pub fn time(bytes: &mut BytesMut, value: DateTime<Utc>) {
        bigint(bytes, value.timestamp_micros() - EPOCH_2000);
    }

    /// An array of one dimension, as a field.
    pub(crate) fn bigints(bytes: &mut BytesMut, values: &[i64]) {
        let length = if values.is_empty() {
            12
        } else {
            20 + 12 * values.len() as i32
        };
        bytes.put_i32(length);
        array(bytes, BIGINT, values, bigint);
    }

    /// An array of one dimension whose elements have the type `of`, without its length in bytes.
    pub fn array<T: Copy>(bytes: &mut BytesMut, of: u32, values: &[T], put: fn(&mut BytesMut, T)) {
        array_of(bytes, of, values.len());
        for value in values {
            put(bytes, *value);
        }
    }

    /// What comes before the fields of an array of `count`.
    pub(super) fn array_of(bytes: &mut BytesMut, of: u32, count: usize) {
        bytes.put_i32(i32::from(count > 0));
        bytes.put_i32(0);
        bytes.put_u32(of);
        if count > 0 {
            bytes.put_i32(count as i32);
            bytes.put_i32(1);
        }
    }
}

/// A timestamp from the microseconds that PostgreSQL sends; none out of range.
pub fn time_of(micros: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(micros.checked_add(EPOCH_2000)?)
}
