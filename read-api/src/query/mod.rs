//! Queries of the read tables: SQL, its values, and what is read of the rows.
//!
//! Queries of many requests share a few connections: what is asked while one is busy goes out
//! together, in one flight. `docs/decisions/0016-queries-share-flights.md` tells why.

mod error;
mod lane;
mod lanes;
mod page;
mod row;
mod value;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use chrono::{DateTime, Utc};
use event_store::wire::{Rows, Target, encode};
use service_kit::problem::Problem;
use sqlx::PgPool;

pub(crate) use page::{PageOf, Start};
pub use row::{Column, Columns, FromRow, Json, Unreadable};
pub use value::Value;

use crate::as_of::Past;
use lanes::{Lanes, Limits};

/// The day of 2000-01-01, where PostgreSQL's dates begin, in days of the common era.
const DAY_2000: i32 = 730_120;

/// How long a statement may take, so that no query keeps a connection from others for longer.
pub const STATEMENT_LIMIT: Duration = Duration::from_secs(10);

/// Queries that give a row or none, as those by key: quick ones, so many share a flight.
const LOOK_UPS: Limits = Limits {
    connections: 4,
    flight: 64,
};
/// Queries that give many rows, and may take a while: on connections of their own, so that none of
/// them holds up a look-up.
const LISTS: Limits = Limits {
    connections: 12,
    flight: 8,
};

/// The read tables. It clones cheaply.
#[derive(Clone, Debug)]
pub struct Tables {
    look_ups: Lanes,
    lists: Lanes,
    /// Which replays are read instead of the live tables.
    past: Option<Arc<Past>>,
}

impl Tables {
    /// Those that `pool` is set to, over connections of their own: at most 16, made as they are
    /// needed.
    pub fn of(pool: &PgPool) -> Self {
        let limit = STATEMENT_LIMIT.as_millis().to_string();
        let target = Target::of(&pool.connect_options(), &[("statement_timeout", &limit)]);
        Self {
            look_ups: Lanes::new(target.clone(), LOOK_UPS),
            lists: Lanes::new(target, LISTS),
            past: None,
        }
    }

    /// The same tables as they stood.
    pub(crate) fn as_of(&self, past: Arc<Past>) -> Self {
        let past = Some(past);
        Self {
            past,
            ..self.clone()
        }
    }

    /// The time that counts as now.
    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.past.as_ref().map_or_else(Utc::now, |past| past.now())
    }

    async fn look_up(&self, query: Sql) -> Result<Rows, Problem> {
        self.ask(&self.look_ups, query).await
    }

    async fn list(&self, query: Sql) -> Result<Rows, Problem> {
        self.ask(&self.lists, query).await
    }

    async fn ask(&self, lanes: &Lanes, query: Sql) -> Result<Rows, Problem> {
        let Some(past) = &self.past else {
            return lanes.ask(query).await.map_err(error::problem);
        };
        let rows = lanes.ask(past.ask(query)).await;
        let rows = rows.map_err(|error| match error.is_of_a_missing_table() {
            true => past.gone(),
            false => error::problem(error),
        })?;
        past.check().await?;
        Ok(rows)
    }
}

/// A query: its SQL, and the values of `$1`, `$2`, … in it.
#[derive(Debug, Clone)]
pub struct Sql {
    text: Cow<'static, str>,
    types: Vec<u32>,
    /// As the fields of a row.
    values: BytesMut,
}

impl Sql {
    /// A query without values so far.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        let mut values = BytesMut::with_capacity(64);
        encode::row(&mut values, 0);
        Self {
            text: text.into(),
            types: Vec::new(),
            values,
        }
    }

    /// Appends SQL.
    pub fn push(&mut self, sql: &str) -> &mut Self {
        self.text.to_mut().push_str(sql);
        self
    }

    /// Appends the number of the next value, and gives the value.
    pub fn push_bind(&mut self, value: impl Value) -> &mut Self {
        let number = self.give(value);
        self.push(&format!("${number}"))
    }

    /// Gives the next value, whose number is in the SQL.
    #[must_use]
    pub fn bind(mut self, value: impl Value) -> Self {
        self.give(value);
        self
    }

    /// The same behind what `before` writes, which may give more values.
    pub(crate) fn behind(mut self, before: impl FnOnce(&mut Self) -> String) -> Self {
        let text = before(&mut self);
        let text = format!("{text}{}", self.text);
        self.with_text(text)
    }

    /// Gives a value; its number.
    pub(crate) fn give<V: Value>(&mut self, value: V) -> usize {
        self.types.push(V::TYPE);
        value.put(&mut self.values);
        // Fewer values than this are in any query.
        let count = self.types.len() as u16;
        (&mut self.values[..2]).put_u16(count);
        self.types.len()
    }

    /// The row, which there always is.
    ///
    /// # Errors
    /// `503` when the database is away or too slow; `400` when a value is out of range.
    pub async fn fetch_one<T: FromRow>(self, tables: &Tables) -> Result<T, Problem> {
        let row = self.fetch_optional(tables).await?;
        row.ok_or_else(|| Problem::fault("a query gave no row", &"it always gives one"))
    }

    /// The row, if there is one.
    ///
    /// # Errors
    /// As [`Sql::fetch_one`].
    pub async fn fetch_optional<T: FromRow>(self, tables: &Tables) -> Result<Option<T>, Problem> {
        let rows = tables.look_up(self).await?;
        columns(&rows).next().map(read).transpose()
    }

    /// All rows.
    ///
    /// # Errors
    /// As [`Sql::fetch_one`].
    pub async fn fetch_all<T: FromRow>(self, tables: &Tables) -> Result<Vec<T>, Problem> {
        let rows = tables.list(self).await?;
        columns(&rows).map(read).collect()
    }
}

fn columns(rows: &Rows) -> impl Iterator<Item = Columns<'_>> {
    rows.iter().map(Columns::of)
}

fn read<T: FromRow>(mut row: Columns<'_>) -> Result<T, Problem> {
    T::from_row(&mut row).map_err(error::unreadable)
}
