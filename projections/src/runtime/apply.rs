//! Applying a batch to one table: load the rows it touches, fold, write what changed.
//!
//! Rows travel as JSON, whose members are the table's columns. So the SQL is the same for every
//! table, and a projection has none to write.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use event_store::RecordedEvent;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use super::fold::{self, FoldError, Rows};
use super::projection::Projection;

/// [`apply`] of one projection, with its types erased: to a table, given with its schema. Gives how
/// many rows changed.
pub(crate) type Apply =
    for<'a> fn(&'a mut PgConnection, &'a str, &'a [RecordedEvent]) -> Applied<'a>;
pub(crate) type Applied<'a> = Pin<Box<dyn Future<Output = Result<usize, ApplyError>> + Send + 'a>>;

/// Why a batch can't be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The read database is away or refuses.
    #[error("the read database: {0}")]
    Database(#[from] sqlx::Error),
    /// An event can't be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// Rows and table do not fit together.
    #[error("the rows of {table} do not fit its table: {source}")]
    Shape {
        /// The table.
        table: &'static str,
        /// What does not fit.
        source: serde_json::Error,
    },
}

pub(super) fn boxed<'a, P: Projection>(
    connection: &'a mut PgConnection,
    relation: &'a str,
    events: &'a [RecordedEvent],
) -> Applied<'a> {
    Box::pin(apply::<P>(connection, relation, events))
}

async fn apply<P: Projection>(
    connection: &mut PgConnection,
    relation: &str,
    events: &[RecordedEvent],
) -> Result<usize, ApplyError> {
    let happened = fold::happened::<P>(events)?;
    let mut rows = Rows::<P>::new();
    for key in happened.iter().flat_map(P::keys) {
        rows.insert(key, None);
    }
    if rows.is_empty() {
        return Ok(0);
    }
    let table = Table::of::<P>(relation, &rows)?;
    load::<P>(connection, &table, &mut rows).await?;
    let before = rows.clone();
    fold::fold::<P>(&mut rows, &happened);
    let mut written = Vec::new();
    let mut removed = Vec::new();
    for (key, row) in &rows {
        match (before.get(key).and_then(Option::as_ref), row) {
            (old, Some(new)) if old != Some(new) => written.push(new),
            (Some(_), None) => removed.push(key),
            _ => {}
        }
    }
    upsert::<P>(connection, &table, &written).await?;
    delete::<P>(connection, &table, &removed).await?;
    Ok(written.len() + removed.len())
}

/// A table of a projection and the columns of its key, read off a key.
struct Table<'a> {
    name: &'a str,
    key: Vec<String>,
}

impl<'a> Table<'a> {
    fn of<P: Projection>(relation: &'a str, rows: &Rows<P>) -> Result<Self, ApplyError> {
        let key = match rows.keys().next() {
            Some(key) => columns(json::<P, _>(key)?),
            None => Vec::new(),
        };
        Ok(Self {
            name: relation,
            key,
        })
    }

    fn key_list(&self) -> String {
        self.key.join(", ")
    }
}

fn columns(value: Value) -> Vec<String> {
    match value {
        Value::Object(members) => members.into_iter().map(|(name, _)| name).collect(),
        _ => Vec::new(),
    }
}

fn json<P: Projection, T: Serialize>(value: &T) -> Result<Value, ApplyError> {
    serde_json::to_value(value).map_err(shape::<P>)
}

fn shape<P: Projection>(source: serde_json::Error) -> ApplyError {
    ApplyError::Shape {
        table: P::TABLE,
        source,
    }
}

async fn load<P: Projection>(
    connection: &mut PgConnection,
    table: &Table<'_>,
    rows: &mut Rows<P>,
) -> Result<(), ApplyError> {
    let keys: Vec<&P::Key> = rows.keys().collect();
    let keys = json::<P, _>(&keys)?;
    let (name, key) = (table.name, table.key_list());
    let sql = format!(
        "SELECT to_jsonb(held)::text FROM {name} AS held \
         JOIN (SELECT {key} FROM jsonb_populate_recordset(NULL::{name}, $1)) AS asked USING ({key})"
    );
    let held: Vec<String> = sqlx::query_scalar(&sql)
        .bind(keys)
        .fetch_all(connection)
        .await?;
    for text in held {
        let key: P::Key = serde_json::from_str(&text).map_err(shape::<P>)?;
        let row: P::Row = serde_json::from_str(&text).map_err(shape::<P>)?;
        rows.insert(key, Some(row));
    }
    Ok(())
}

async fn upsert<P: Projection>(
    connection: &mut PgConnection,
    table: &Table<'_>,
    rows: &[&P::Row],
) -> Result<(), ApplyError> {
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let columns = columns(json::<P, _>(first)?);
    let (name, key, list) = (table.name, table.key_list(), columns.join(", "));
    let set: BTreeMap<&String, String> = columns
        .iter()
        .filter(|column| !table.key.contains(column))
        .map(|column| (column, format!("{column} = excluded.{column}")))
        .collect();
    let action = match set.is_empty() {
        true => "DO NOTHING".to_owned(),
        false => {
            let set: Vec<String> = set.into_values().collect();
            format!("DO UPDATE SET {}", set.join(", "))
        }
    };
    let sql = format!(
        "INSERT INTO {name} ({list}) \
         SELECT {list} FROM jsonb_populate_recordset(NULL::{name}, $1) ON CONFLICT ({key}) {action}"
    );
    let rows = json::<P, _>(&rows)?;
    sqlx::query(&sql).bind(rows).execute(connection).await?;
    Ok(())
}

async fn delete<P: Projection>(
    connection: &mut PgConnection,
    table: &Table<'_>,
    keys: &[&P::Key],
) -> Result<(), ApplyError> {
    if keys.is_empty() {
        return Ok(());
    }
    let (name, key) = (table.name, table.key_list());
    let sql = format!(
        "DELETE FROM {name} WHERE ({key}) IN \
         (SELECT {key} FROM jsonb_populate_recordset(NULL::{name}, $1))"
    );
    let keys = json::<P, _>(&keys)?;
    sqlx::query(&sql).bind(keys).execute(connection).await?;
    Ok(())
}
