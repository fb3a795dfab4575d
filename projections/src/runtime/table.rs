//! A read table's SQL: load rows by key, write rows, delete rows.
//!
//! Rows travel as JSON, whose members are the table's columns. So the SQL is the same for every
//! table, and a projection has none to write. As json and not jsonb, which PostgreSQL takes a third
//! less time to read into rows (measured).

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use sqlx::{PgConnection, Row};

use super::apply::ApplyError;
use super::fold::Rows;
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

    fn key_list(&self) -> String {
        self.key.join(", ")
    }

    /// The rows of `keys`, as far as they are there.
    pub(super) async fn load<P: Projection>(
        &self,
        connection: &mut PgConnection,
        keys: &BTreeSet<&P::Key>,
    ) -> Result<Rows<P>, ApplyError> {
        let keys: Vec<&P::Key> = keys.iter().copied().collect();
        let (name, key) = (self.name, self.key_list());
        let sql = format!(
            "SELECT asked.ordinality, row_to_json(held)::text AS row \
             FROM json_populate_recordset(NULL::{name}, $1::text::json) WITH ORDINALITY AS asked \
             JOIN {name} AS held USING ({key})"
        );
        let held = sqlx::query(&sql)
            .bind(json::<P, _>(&keys)?)
            .fetch_all(connection)
            .await?;
        let mut rows = Rows::<P>::new();
        for found in held {
            let (ordinality, text): (i64, &str) =
                (found.try_get("ordinality")?, found.try_get("row")?);
            let key = usize::try_from(ordinality - 1).ok();
            let key = key.and_then(|index| keys.get(index));
            let key = key.ok_or(sqlx::Error::RowNotFound)?;
            let row: P::Row = serde_json::from_str(text).map_err(shape::<P>)?;
            rows.insert((*key).clone(), Some(row));
        }
        Ok(rows)
    }

    /// Inserts `rows`, or updates those that are there.
    pub(super) async fn upsert<P: Projection>(
        &self,
        connection: &mut PgConnection,
        rows: &[&P::Row],
    ) -> Result<(), ApplyError> {
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let columns = columns::<P, _>(first)?;
        let (name, key, list) = (self.name, self.key_list(), columns.join(", "));
        let others = columns.iter().filter(|column| !self.key.contains(column));
        let set: Vec<String> = others
            .map(|column| format!("{column} = excluded.{column}"))
            .collect();
        let action = match set.is_empty() {
            true => "DO NOTHING".to_owned(),
            false => format!("DO UPDATE SET {}", set.join(", ")),
        };
        let sql = format!(
            "INSERT INTO {name} ({list}) \
             SELECT {list} FROM json_populate_recordset(NULL::{name}, $1::text::json) \
             ON CONFLICT ({key}) {action}"
        );
        sqlx::query(&sql)
            .bind(json::<P, _>(&rows)?)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Deletes the rows of `keys`.
    pub(super) async fn delete<P: Projection>(
        &self,
        connection: &mut PgConnection,
        keys: &[&P::Key],
    ) -> Result<(), ApplyError> {
        if keys.is_empty() {
            return Ok(());
        }
        let (name, key) = (self.name, self.key_list());
        let sql = format!(
            "DELETE FROM {name} WHERE ({key}) IN \
             (SELECT {key} FROM json_populate_recordset(NULL::{name}, $1::text::json))"
        );
        sqlx::query(&sql)
            .bind(json::<P, _>(&keys)?)
            .execute(connection)
            .await?;
        Ok(())
    }
}

fn columns<P: Projection, T: Serialize>(value: &T) -> Result<Vec<String>, ApplyError> {
    Ok(match serde_json::to_value(value).map_err(shape::<P>)? {
        Value::Object(members) => members.into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    })
}

fn json<P: Projection, T: Serialize>(value: &T) -> Result<String, ApplyError> {
    serde_json::to_string(value).map_err(shape::<P>)
}

fn shape<P: Projection>(source: serde_json::Error) -> ApplyError {
    let table = P::TABLE;
    ApplyError::Shape { table, source }
}
