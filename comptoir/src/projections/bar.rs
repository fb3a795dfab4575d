//! Bars that follow rebuilds and replays.

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use projections::rebuild::Progress;
use projections::runtime::Registered;
use tokio::sync::watch;

/// A bar that follows the fold of a table.
pub(crate) fn shown(
    projection: &Registered,
    bars: &MultiProgress,
) -> anyhow::Result<(watch::Sender<Progress>, ProgressBar)> {
    let style = "{prefix:18} {msg:10} {wide_bar} {pos}/{len}  {per_sec}  {eta} left";
    let bar = bars.add(ProgressBar::new(0));
    bar.set_style(ProgressStyle::with_template(style)?);
    bar.set_prefix(projection.name);
    let (sender, mut progress) = Progress::channel();
    let (name, told) = (projection.name, bar.clone());
    tokio::spawn(async move {
        let mut step = None;
        while progress.changed().await.is_ok() {
            let now = *progress.borrow_and_update();
            if step.replace(now.step) != Some(now.step) {
                told.set_message(now.step.to_string());
                told.reset();
                if told.is_hidden() {
                    tracing::info!(projection = name, step = %now.step, "folding the log");
                }
            }
            told.set_length(now.total.max(now.done));
            told.set_position(now.done.min(now.total.max(now.done)));
        }
    });
    Ok((sender, bar))
}
