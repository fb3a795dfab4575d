//! The summary of a run, for people.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;

use super::commands::Command;
use super::ledger::Ledger;
use super::reader::Seen;
use super::reckon::Walk;

pub struct Report<'a> {
    pub seed: u64,
    pub took: Duration,
    pub ledger: &'a Ledger,
    /// Commands that were unanswered when the writers had ended.
    pub left: usize,
    pub done: &'a BTreeMap<&'static str, usize>,
    pub walk: &'a Walk,
    pub readers: &'a [Seen],
}

impl Report<'_> {
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["the torture of the log", ""]);
        for (name, value) in self.rows() {
            table.add_row([name, value]);
        }
        table.to_string()
    }

    fn rows(&self) -> Vec<(String, String)> {
        let Self { ledger, walk, .. } = self;
        let rate = walk.position as f64 / self.took.as_secs_f64();
        let [away, busy, unknown] = ledger.failures;
        let disconnects: usize = self.readers.iter().map(|seen| seen.disconnects).sum();
        let row = |name: &str, value: String| (name.to_owned(), value);
        let mut rows = vec![
            row("seed", self.seed.to_string()),
            row("length", format!("{:.1} s", self.took.as_secs_f64())),
            row("events", format!("{} ({rate:.0} a second)", walk.position)),
            row("streams", walk.streams.len().to_string()),
            row("commands, all acknowledged", ledger.told.len().to_string()),
        ];
        for (kind, count) in self.kinds() {
            rows.push(row(&format!("  on {kind}"), count.to_string()));
        }
        rows.extend([
            row("sent by several at once", ledger.twins.len().to_string()),
            row("retried with their keys", ledger.retried.len().to_string()),
            row("  of which only at the end", self.left.to_string()),
            row(
                "  told: away, busy, unknown",
                format!("{away}, {busy}, {unknown}"),
            ),
            row("conflicts decided again", ledger.conflicts.to_string()),
            row("times a reader lost the server", disconnects.to_string()),
            row(
                "longest time without an event",
                format!("{:.1} s", walk.silence.as_seconds_f64()),
            ),
        ]);
        let done = self.done.iter();
        rows.extend(done.map(|(name, count)| row(name, count.to_string())));
        rows
    }

    fn kinds(&self) -> BTreeMap<&'static str, usize> {
        let mut kinds = BTreeMap::new();
        for key in self.ledger.told.keys() {
            let kind = Command::of(self.seed, *key).kind;
            *kinds.entry(kind).or_default() += 1;
        }
        kinds
    }
}
