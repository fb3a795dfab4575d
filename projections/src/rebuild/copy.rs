//! Rows as COPY takes them: text, a line a row.

use serde_json::Value;

use super::Error;
use crate::runtime::Registered;
use crate::runtime::collect::Columns;

/// Adds a row to `lines`; `columns` are those of the table, and whether each is an array.
pub(super) fn put(
    lines: &mut Vec<u8>,
    columns: &[(String, bool)],
    row: &Columns,
    projection: &Registered,
) -> Result<(), Error> {
    if row.len() != columns.len() {
        let why = format!("{} fields for {} columns", row.len(), columns.len());
        return Err(Error::shape(projection, why));
    }
    for (index, (column, is_array)) in columns.iter().enumerate() {
        let value = row.get(column);
        let value = value.ok_or_else(|| Error::shape(projection, format!("no field {column}")))?;
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
