//! Rows as COPY takes them: text, a line a row.

use serde::Serialize;
use serde::ser::Error as _;
use serde_json::{Error, Map, Value};
use sqlx::PgPool;

/// A row by column.
pub(crate) type Columns = Map<String, Value>;

/// The columns of a table, in order, and whether each is an array.
pub(crate) type Shape = Vec<(String, bool)>;

/// The columns of the table `relation`, given with its schema.
pub(crate) async fn shape(pool: &PgPool, relation: &str) -> Result<Shape, sqlx::Error> {
    sqlx::query_as(
        "SELECT attname::text, typcategory = 'A' \
         FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid \
         WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
    .bind(relation)
    .fetch_all(pool)
    .await
}

/// The statement that takes rows of this shape into the table `relation`, given with its schema.
pub(crate) fn copy(relation: &str, shape: &Shape) -> String {
    let columns: Vec<&str> = shape.iter().map(|(column, _)| column.as_str()).collect();
    format!("COPY {relation} ({}) FROM STDIN", columns.join(", "))
}

/// The lines of `rows`, for a table of this shape.
///
/// # Errors
/// When they have other columns.
pub(crate) fn of<R: Serialize>(shape: &Shape, rows: &[R]) -> Result<Vec<u8>, Error> {
    let mut lines = Vec::new();
    for row in rows {
        put(&mut lines, shape, &columns(row)?)?;
    }
    Ok(lines)
}

/// A row by column.
///
/// # Errors
/// When it is something else.
pub(crate) fn columns<R: Serialize>(row: R) -> Result<Columns, Error> {
    match serde_json::to_value(row)? {
        Value::Object(columns) => Ok(columns),
        other => Err(Error::custom(format!("a row is {other}"))),
    }
}

/// Adds a row to `lines`, for a table of this shape.
///
/// # Errors
/// When it has other columns.
pub(crate) fn put(lines: &mut Vec<u8>, shape: &Shape, row: &Columns) -> Result<(), Error> {
    if row.len() != shape.len() {
        let why = format!("{} fields for {} columns", row.len(), shape.len());
        return Err(Error::custom(why));
    }
    for (index, (column, is_array)) in shape.iter().enumerate() {
        let value = row.get(column);
        let value = value.ok_or_else(|| Error::custom(format!("no field {column}")))?;
        if index > 0 {
            lines.push(b'\t');
        }
        match value {
            Value::Null => lines.extend(b"\\N"),
            Value::String(text) => escaped(lines, text),
            Value::Array(items) if *is_array => escaped(lines, &array(items)),
            other => escaped(lines, &other.to_string()),
        }
    }
    lines.push(b'\n');
    Ok(())
}

/// What COPY would take for something else is written with a backslash.
fn escaped(lines: &mut Vec<u8>, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'\\' => lines.extend(b"\\\\"),
            b'\n' => lines.extend(b"\\n"),
            b'\r' => lines.extend(b"\\r"),
            b'\t' => lines.extend(b"\\t"),
            byte => lines.push(byte),
        }
    }
}

/// An array as PostgreSQL reads it.
fn array(items: &[Value]) -> String {
    let items = items.iter().map(|item| match item {
        Value::Null => "NULL".to_owned(),
        Value::Array(items) => array(items),
        Value::String(text) => quoted(text),
        other => quoted(&other.to_string()),
    });
    format!("{{{}}}", items.collect::<Vec<_>>().join(","))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
