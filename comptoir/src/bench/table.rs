//! The report as a table for people.

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;

use super::report::{Figure, Report, Target};

impl Report {
    /// Every figure with its target, and the runs behind the main one.
    pub(super) fn table(&self) -> String {
        let mut figures = Table::new();
        figures.load_style(UTF8_FULL_CONDENSED);
        figures.set_header([
            self.bench, "unit", "ours", "theirs", "", "ratio", "target", "met",
        ]);
        for figure in &self.figures {
            figures.add_row(row(figure));
        }
        let mut runs = Table::new();
        runs.load_style(UTF8_FULL_CONDENSED);
        let names = self.theirs.iter().map(|side| side.name.as_str());
        runs.set_header(["run", "ours"].into_iter().chain(names));
        for (number, run) in self.runs.iter().enumerate() {
            let values = std::iter::once(run.ours).chain(run.theirs.iter().copied());
            let number = (number + 1).to_string();
            runs.add_row(std::iter::once(number).chain(values.map(digits)));
        }
        let calls = match (self.p50_ms, self.p99_ms) {
            (Some(p50), Some(p99)) => format!("Our calls: p50 {p50:.2} ms, p99 {p99:.2} ms.\n"),
            _ => String::new(),
        };
        let cpu = self.cpu_us_per_event.map_or_else(String::new, |micros| {
            format!("CPU of one of ours, server and client: {micros:.1} µs.\n")
        });
        format!(
            "{figures}\nMedians of {} runs, in {}:\n{runs}\n{calls}{cpu}{}",
            self.runs.len(),
            self.unit,
            self.machine.line()
        )
    }
}

fn row(figure: &Figure) -> [String; 8] {
    [
        figure.name.clone(),
        figure.unit.to_owned(),
        digits(figure.ours),
        figure.theirs.map_or_else(String::new, digits),
        figure.against.clone().unwrap_or_default(),
        figure
            .ratio
            .map_or_else(String::new, |ratio| format!("{ratio:.2}")),
        figure.target.map_or_else(String::new, target),
        figure
            .met
            .map_or("", |met| if met { "yes" } else { "no" })
            .to_owned(),
    ]
}

fn target(target: Target) -> String {
    match target {
        Target::AtLeast(limit) => format!("{limit} or more"),
        Target::AtMost(limit) => format!("{limit} or less"),
    }
}

/// As many digits as say something.
fn digits(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
