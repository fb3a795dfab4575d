//! The nights of a stay.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

/// The longest stay that can be booked, in nights.
pub const MAX_NIGHTS: u32 = 366;

/// A stay from the day of check-in to the day of check-out, whose night is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stay {
    /// The first night.
    pub check_in: NaiveDate,
    /// The day after the last night.
    pub check_out: NaiveDate,
}

/// A stay that no hotel takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStay {
    /// Check-out is not after check-in.
    #[error("a stay has one night at least: check-out comes after check-in")]
    NoNight,
    /// Longer than [`MAX_NIGHTS`].
    #[error("a stay has {MAX_NIGHTS} nights at most")]
    TooLong,
}

impl Stay {
    /// A stay of one night at least and [`MAX_NIGHTS`] at most.
    pub fn parse(check_in: NaiveDate, check_out: NaiveDate) -> Result<Self, InvalidStay> {
        match (check_out - check_in).num_days() {
            ..1 => Err(InvalidStay::NoNight),
            days if days > i64::from(MAX_NIGHTS) => Err(InvalidStay::TooLong),
            _ => Ok(Self {
                check_in,
                check_out,
            }),
        }
    }

    /// Its nights, in order.
    pub fn nights(self) -> impl Iterator<Item = NaiveDate> {
        self.check_in
            .iter_days()
            .take_while(move |night| *night < self.check_out)
    }

    /// How many nights it has.
    pub fn length(self) -> u32 {
        // A parsed stay has 366 nights at most.
        u32::try_from((self.check_out - self.check_in).num_days()).unwrap_or(0)
    }

    /// The nights from `day` on, if any is left.
    pub fn from(self, day: NaiveDate) -> Option<Self> {
        Self::parse(self.check_in.max(day), self.check_out).ok()
    }

    /// The nights after the first, if any.
    pub fn after_first(self) -> Option<Self> {
        self.from(self.check_in.checked_add_days(Days::new(1))?)
    }
}
