//! What lists can be ordered by, and which rows come after one of them.

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use service_kit::problem::Problem;
use uuid::Uuid;

use crate::query::{Columns, Sql, Unreadable};

/// Something that a list can be ordered by.
#[derive(Debug)]
pub struct Ordering {
    /// What clients say.
    name: &'static str,
    /// The column that it means.
    column: &'static str,
    kind: Kind,
    nullable: bool,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Number,
    Day,
    Time,
}

impl Ordering {
    /// By a text.
    pub const fn text(name: &'static str, column: &'static str) -> Self {
        Self::of(Kind::Text, name, column)
    }

    /// By a whole number.
    pub const fn number(name: &'static str, column: &'static str) -> Self {
        Self::of(Kind::Number, name, column)
    }

    /// By a date.
    pub const fn day(name: &'static str, column: &'static str) -> Self {
        Self::of(Kind::Day, name, column)
    }

    /// By a moment.
    pub const fn time(name: &'static str, column: &'static str) -> Self {
        Self::of(Kind::Time, name, column)
    }

    const fn of(kind: Kind, name: &'static str, column: &'static str) -> Self {
        Self {
            name,
            column,
            kind,
            nullable: false,
        }
    }

    /// The same of a column that may be null. Null counts as greater than all.
    pub const fn or_null(mut self) -> Self {
        self.nullable = true;
        self
    }
}

/// The order of a list; `id` breaks ties.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    by: &'static Ordering,
    descending: bool,
}

/// Where a row stands in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark(pub(crate) Key, pub(crate) Uuid);

/// What is in the column that is ordered by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Key {
    Null,
    Text(String),
    Number(i64),
    Day(NaiveDate),
    Time(DateTime<Utc>),
}

impl Order {
    /// The order `said` (`name`, or `-name` for the other direction), which is one of `allowed`,
    /// and the first of them when nothing is said.
    ///
    /// # Errors
    /// `400` when it is none of them.
    pub(crate) fn parse(said: Option<&str>, allowed: &'static [Ordering]) -> Result<Self, Problem> {
        let said = said.unwrap_or(allowed[0].name);
        let (name, descending) = match said.strip_prefix('-') {
            Some(name) => (name, true),
            None => (said, false),
        };
        match allowed.iter().find(|known| known.name == name) {
            Some(by) => Ok(Self { by, descending }),
            None => Err(unknown(allowed)),
        }
    }

    /// As a client says it.
    pub(crate) fn said(&self) -> String {
        let sign = if self.descending { "-" } else { "" };
        format!("{sign}{}", self.by.name)
    }

    /// ORDER BY.
    pub(crate) fn sql(&self) -> String {
        let direction = if self.descending { "DESC" } else { "ASC" };
        format!(" ORDER BY {} {direction}, id {direction}", self.by.column)
    }

    /// The columns of a [`Mark`], under names that no list has: ORDER BY takes a name for that of
    /// what is selected.
    pub(crate) fn columns(&self) -> String {
        let column = self.by.column;
        let cast = match self.by.kind {
            Kind::Number => "::bigint",
            Kind::Text | Kind::Day | Kind::Time => "",
        };
        format!("{column}{cast} AS mark_key, id AS mark_id")
    }

    /// Reads them.
    pub(crate) fn read(&self, row: &mut Columns<'_>) -> Result<Mark, Unreadable> {
        let key = match self.by.kind {
            Kind::Text => row.read::<Option<_>>()?.map(Key::Text),
            Kind::Number => row.read::<Option<_>>()?.map(Key::Number),
            Kind::Day => row.read::<Option<_>>()?.map(Key::Day),
            Kind::Time => row.read::<Option<_>>()?.map(Key::Time),
        };
        Ok(Mark(key.unwrap_or(Key::Null), row.read()?))
    }

    /// Whether a row can stand there.
    pub(crate) fn has(&self, Mark(key, _): &Mark) -> bool {
        match (key, self.by.kind) {
            (Key::Null, _) => self.by.nullable,
            (Key::Text(text), Kind::Text) => !text.contains('\0'),
            (Key::Number(_), Kind::Number)
            | (Key::Day(_), Kind::Day)
            | (Key::Time(_), Kind::Time) => true,
            _ => false,
        }
    }

    /// Appends the condition that a row comes after `mark`: a comparison of rows, for which an
    /// index on column and id is read from there on.
    pub(crate) fn push_after(&self, query: &mut Sql, mark: &Mark) {
        let column = self.by.column;
        let sign = if self.descending { "<" } else { ">" };
        let Mark(key, id) = mark;
        match key {
            Key::Null => query.push(&format!("({column} IS NULL AND id {sign} ")),
            key => {
                query.push(&format!("({column}, id) {sign} ("));
                push_key(query, key).push(", ")
            }
        };
        query.push_bind(*id).push(")");
        // PostgreSQL, too, has null after all others.
        match (key, self.descending) {
            (Key::Null, true) => query.push(&format!(" OR {column} IS NOT NULL")),
            (Key::Null, false) | (_, true) => query,
            _ if self.by.nullable => query.push(&format!(" OR {column} IS NULL")),
            _ => query,
        };
    }
}

fn push_key<'a>(query: &'a mut Sql, key: &Key) -> &'a mut Sql {
    match key {
        Key::Null => query.push("NULL"),
        Key::Text(text) => query.push_bind(text.as_str()),
        Key::Number(number) => query.push_bind(*number),
        Key::Day(day) => query.push_bind(*day),
        Key::Time(time) => query.push_bind(*time),
    }
}

fn unknown(allowed: &[Ordering]) -> Problem {
    let names: Vec<&str> = allowed.iter().map(|known| known.name).collect();
    let detail = format!(
        "ordering is one of {}, or one with a - before it",
        names.join(", ")
    );
    Problem::new(StatusCode::BAD_REQUEST, "unknown-ordering", detail)
}
