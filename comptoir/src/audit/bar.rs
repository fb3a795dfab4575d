//! How far a pass over the log is, for people.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of events, on the terminal beside the output; none where there is no terminal.
///
/// # Errors
/// None: the template is good.
pub(super) fn bar(what: &'static str) -> anyhow::Result<ProgressBar> {
    let style = "{prefix:10} [{bar:30}] {pos}/{len} events, {per_sec}, {eta} left";
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template(style)?);
    bar.set_prefix(what);
    Ok(bar)
}
