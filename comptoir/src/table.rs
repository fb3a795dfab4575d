//! How the commands of operators tell what there is.

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use serde::Serialize;

/// Prints `all`, as JSON or as lines of a table.
///
/// # Errors
/// When something can't be JSON.
pub(crate) fn print<T: Serialize, const N: usize>(
    json: bool,
    all: &[T],
    heads: [&str; N],
    line: impl Fn(&T) -> [String; N],
) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(all)?);
        return Ok(());
    }
    lines(all, heads, line);
    Ok(())
}

/// Prints `all` as lines of a table.
pub(crate) fn lines<T, const N: usize>(
    all: &[T],
    heads: [&str; N],
    line: impl Fn(&T) -> [String; N],
) {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(heads);
    for one in all {
        table.add_row(line(one));
    }
    println!("{table}");
}
