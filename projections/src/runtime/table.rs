//! A read table's SQL: load rows by key, write rows, delete rows.
//!
//! Rows travel as JSON, whose members are the table's columns. So the SQL is the same for every
//! table, and a projection has none to write. As json and not jsonb, which PostgreSQL takes a third
//! less time to read into rows (measured).

use serde::Serialize;
use serde_json::Value;

use super::apply::ApplyError;
use super::projection::Projection;

/// A table, with its schema, and the columns of its key, read off a key.
pub(super) struct Table<'a> {
    name: &'a str,
    key: Vec<String>,
}

impl<'a> Table<'a> {
    pub(super) fn of<P: Projection>(name: &'a str, key: &P::Key) -> Result<Self, ApplyError> {
        let key = columns::<P, _>(key)?;
        Ok(Self { name, key })
    }

    /// The rows whose keys are asked for, as `held`. One by one, each by the primary key: as a join
    /// PostgreSQL reads the whole table for a few rows, until it is large.
    fn asked(&self, columns: &str) -> String {
        let name = self.name;
        let same = self.key.iter();
        let same: Vec<String> = same
            .map(|column| format!("{name}.{column} = asked.{column}"))
            .collect();
        let same = same.join(" AND ");
        format!(
            "FROM json_populate_recordset(NULL::{name}, $1::text::json) WITH ORDINALITY AS asked, \
             LATERAL (SELECT {columns} FROM {name} WHERE {same} LIMIT 1) AS held"
        )
    }

    /// Asks for the rows whose keys are given as JSON: which of them (bigint, from 1), and the row
    /// as JSON.
    pub(super) fn load(&self) -> String {
        format!(
            "SELECT asked.ordinality, row_to_json(held)::text AS row {}",
            self.asked("*")
        )
    }

    /// Inserts the rows that are given as JSON, and have these columns, or updates those that are
    /// there.
    pub(super) fn upsert(&self, columns: &[String]) -> String {
        let (name, key, list) = (self.name, self.key.join(", "), columns.join(", "));
        let others = columns.iter().filter(|column| !self.key.contains(column));
        let set: Vec<String> = others
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        let action = match set.is_empty() {
            true => "DO NOTHING".to_owned(),
            false => format!("DO UPDATE SET {}", set.join(", ")),
        };
        format!(
            "INSERT INTO {name} ({list}) \
             SELECT {list} FROM json_populate_recordset(NULL::{name}, $1::text::json) \
             ON CONFLICT ({key}) {action}"
        )
    }

    /// Deletes the rows whose keys are given as JSON.
    pub(super) fn delete(&self) -> String {
        let (name, asked) = (self.name, self.asked("ctid"));
        format!("DELETE FROM {name} WHERE ctid = ANY (ARRAY(SELECT held.ctid {asked}))")
    }
}

/// The columns of a key or a row.
pub(super) fn columns<P: Projection, T: Serialize>(value: &T) -> Result<Vec<String>, ApplyError> {
    Ok(match serde_json::to_value(value).map_err(shape::<P>)? {
        Value::Object(members) => members.into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    })
}

/// Keys or rows as JSON.
pub(super) fn json<P: Projection, T: Serialize>(values: &[T]) -> Result<String, ApplyError> {
    serde_json::to_string(values).map_err(shape::<P>)
}

/// The error that what does not fit the table is.
pub(super) fn shape<P: Projection>(source: serde_json::Error) -> ApplyError {
    let table = P::TABLE;
    ApplyError::Shape { table, source }
}
