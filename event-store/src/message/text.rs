//! Short texts that are written without an allocation, and times without the cost of chrono's own.

use std::fmt::Write;

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};

/// A short text on the stack: an id, a number of 64 bits, or a time.
pub struct Text {
    bytes: [u8; Self::MOST],
    length: usize,
}

impl Text {
    /// An id, a number of 64 bits, or a time, also of a year with a sign.
    const MOST: usize = 40;

    /// What `value` displays as, which is short.
    pub fn of(value: impl std::fmt::Display) -> Self {
        let (bytes, length) = ([0; Self::MOST], 0);
        let mut text = Self { bytes, length };
        // What is written here is shorter.
        let _fits = write!(text, "{value}");
        text
    }

    /// RFC 3339 with microseconds, as chrono writes it at ten times the cost.
    pub fn time(at: DateTime<Utc>) -> Self {
        let Some(year) = u32::try_from(at.year()).ok().filter(|year| *year < 10_000) else {
            return Self::of(at.to_rfc3339_opts(SecondsFormat::Micros, true));
        };
        let mut text = Self::of("0000-00-00T00:00:00.000000Z");
        for (end, digits, mut value) in [
            (4, 4, year),
            (7, 2, at.month()),
            (10, 2, at.day()),
            (13, 2, at.hour()),
            (16, 2, at.minute()),
            (19, 2, at.second()),
            // PostgreSQL has no leap seconds.
            (26, 6, at.nanosecond() / 1_000 % 1_000_000),
        ] {
            for place in (end - digits..end).rev() {
                text.bytes[place] = b'0' + (value % 10) as u8;
                value /= 10;
            }
        }
        text
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Text {
    fn write_str(&mut self, part: &str) -> std::fmt::Result {
        let end = self.length + part.len();
        let place = self
            .bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?;
        place.copy_from_slice(part.as_bytes());
        self.length = end;
        Ok(())
    }
}
