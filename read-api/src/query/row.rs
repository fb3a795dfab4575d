//! Reading rows, column by column.

use chrono::{DateTime, NaiveDate, Utc};
use event_store::wire::{Fields, time_of};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::DAY_2000;

/// A column that is not what the reader takes it for: the two do not fit each other.
#[derive(Debug, thiserror::Error)]
#[error("column {0} of a row is not what is read")]
pub struct Unreadable(usize);

/// The columns of a row that were not read so far.
#[derive(Debug)]
pub struct Columns<'a> {
    fields: Fields<'a>,
    /// The number of the last one that was.
    number: usize,
}

impl<'a> Columns<'a> {
    pub(super) fn of(fields: Fields<'a>) -> Self {
        Self { fields, number: 0 }
    }

    /// The next column. A null is read as an [`Option`].
    ///
    /// # Errors
    /// When there is none, or it is of another type.
    pub fn read<T: Column>(&mut self) -> Result<T, Unreadable> {
        self.number += 1;
        let field = self.fields.raw().map_err(|_| Unreadable(self.number))?;
        T::read(field).ok_or(Unreadable(self.number))
    }
}

/// What is made of a row.
pub trait FromRow: Sized {
    /// Reads the columns in the order in which they are selected.
    ///
    /// # Errors
    /// When they are others.
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable>;
}

impl<A: Column> FromRow for (A,) {
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        Ok((row.read()?,))
    }
}

impl<A: Column, B: Column> FromRow for (A, B) {
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        Ok((row.read()?, row.read()?))
    }
}

/// What is made of a column.
pub trait Column: Sized {
    /// Reads PostgreSQL's binary form, nothing for a null.
    fn read(field: Option<&[u8]>) -> Option<Self>;
}

impl<T: Column> Column for Option<T> {
    fn read(field: Option<&[u8]>) -> Option<Self> {
        match field {
            None => Some(None),
            field => T::read(field).map(Some),
        }
    }
}

impl Column for bool {
    fn read(field: Option<&[u8]>) -> Option<Self> {
        fixed(field).map(|[byte]| byte != 0)
    }
}

impl Column for i16 {
    fn read(field: Option<&[u8]>) -> Option<Self> {
        fixed(field).map(Self::from_be_bytes)
    }
}

impl Column for i32 {
    fn read(field: Option<&[u8]>) -> Option<Self> {
        fixed(field).map(Self::from_be_bytes)
    }
}

impl Column for i64 {
    fn read(field: Option<&[u8]>) -> Option<Self> {
        fixed(field).map(Self::from_be_bytes)
    }
}

impl Column for Uuid {
    fn read(field: Option<&[u8]>) -> Option<Self> {
        fixed(field).map(Self::from_bytes)
    }
}

impl Column for String {
    fn read(field: Option<&[u8]>) -> Option<Self> {
        std::str::from_utf8(field?).ok().map(str::to_owned)
    }
}

impl Column for NaiveDate {
    fn read(field: Option<&[u8]>) -> Option<Self> {
        let day = i32::read(field)?.checked_add(DAY_2000)?;
        Self::from_num_days_from_ce_opt(day)
    }
}

impl Column for DateTime<Utc> {
    fn read(field: Option<&[u8]>) -> Option<Self> {
        time_of(i64::read(field)?)
    }
}

/// A column of the type jsonb.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> Column for Json<T> {
    fn read(field: Option<&[u8]>) -> Option<Self> {
        // One byte says which version of the binary form it is, the only one so far being 1.
        let text = field?.strip_prefix(&[1])?;
        serde_json::from_slice(text).ok().map(Self)
    }
}

fn fixed<const N: usize>(field: Option<&[u8]>) -> Option<[u8; N]> {
    field?.try_into().ok()
}
