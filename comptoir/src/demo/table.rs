//! The report as a table for people.

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;

use super::outcome::Outcome;
use super::report::Report;

impl Report {
    /// What was accepted and refused, and why; how fast; and where to look.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["step", "accepted", "refused", "not sent", "why"]);
        for tally in &self.tallies {
            let count = tally.count.to_string();
            let mut row = [
                tally.verb.to_string(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
            ];
            match &tally.outcome {
                Outcome::Accepted => row[1] = count,
                Outcome::Refused(code) => {
                    row[2] = count;
                    row[4] = format!("{code}: {}", why(code));
                }
                Outcome::NotSent => {
                    row[3] = count;
                    row[4] = "its booking was refused".to_owned();
                }
            }
            table.add_row(row);
        }
        let rate = self.commands as f64 / self.seconds.max(0.001);
        format!(
            "{table}\n\n{} commands in {:.1} s, one after the other: {rate:.0} a second.\n\
             Visible after the answer: p50 {:.1} ms, p99 {:.1} ms ({} bookings watched).\n{}",
            self.commands,
            self.seconds,
            self.lag.p50_ms,
            self.lag.p99_ms,
            self.lag.sample,
            self.places(),
        )
    }

    fn places(&self) -> String {
        let Some(hotel) = self.hotel else {
            return String::new();
        };
        let url = &self.url;
        format!(
            "\nLook at\n  {url}/api/hotels/{hotel}\n  {url}/api/hotels/{hotel}/availability?from=2016-08-01&to=2016-08-08\n  \
             {url}/api/reservations?hotel_id={hotel}          (signed in)\n  \
             {url}/api/dashboard/occupancy?hotel_id={hotel}&from=2016-08-01&to=2016-08-08   (signed in)\n  \
             {url}/docs/"
        )
    }
}

fn why(code: &str) -> &'static str {
    match code {
        "no-room-available" => "a night of the stay was full",
        "too-many-guests" => "the room takes fewer guests",
        "validation" => "no night, or no guest",
        "check-in-too-early" => "the day of check-in had not come",
        _ => "see docs/errors",
    }
}
