//! What is played, in one total order: the hotel, and every step of every reservation.

use std::fmt;

use anyhow::Context;
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use super::offer::Hotel;
use super::reckon::{Reckoned, reckon};
use super::rows::{self, Ending, Row};

const NOON: NaiveTime = match NaiveTime::from_hms_opt(12, 0, 0) {
    Some(noon) => noon,
    None => NaiveTime::MIN,
};

/// What a step does. Their order is that of a day: rooms are given back before they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Creates the hotel.
    Open,
    /// The guests leave.
    CheckOut,
    /// A reservation is called off.
    Cancel,
    /// The guests did not come.
    NoShow,
    /// A reservation is made.
    Book,
    /// The guests arrive.
    CheckIn,
}

impl Verb {
    /// All of them, in the order in which a guest meets them.
    pub const ALL: [Self; 6] = [
        Self::Open,
        Self::Book,
        Self::Cancel,
        Self::NoShow,
        Self::CheckIn,
        Self::CheckOut,
    ];
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::CheckOut => "check-out",
            Self::Cancel => "cancel",
            Self::NoShow => "no-show",
            Self::Book => "book",
            Self::CheckIn => "check-in",
        })
    }
}

/// One command of the play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The number of its row, from 1; 0 for the hotel.
    pub row: usize,
    /// What it does.
    pub verb: Verb,
    /// When it happened: noon UTC of its day, or later than that of the step it follows.
    pub time: DateTime<Utc>,
}

/// The whole play.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// The hotel that all of it is about.
    pub hotel: Hotel,
    /// The reservations.
    pub rows: Vec<Row>,
    /// The hotel's creation, then every step of every reservation.
    pub steps: Vec<Step>,
}

impl Plan {
    /// The plan of the reservations that come with Comptoir.
    pub fn published() -> anyhow::Result<Self> {
        Self::of(rows::published()?)
    }

    /// The plan of these reservations: the hotel is created the day before the first booking.
    pub fn of(rows: Vec<Row>) -> anyhow::Result<Self> {
        let mut steps = in_order(&rows);
        let hotel = Hotel::of(&rows, &steps);
        let first = steps.first().context("there is no reservation to play")?;
        let opened = first.time.checked_sub_days(Days::new(1));
        let open = Step {
            row: 0,
            verb: Verb::Open,
            time: opened.context("the first booking was made before all time")?,
        };
        steps.insert(0, open);
        Ok(Self { hotel, rows, steps })
    }

    /// The reservation of a step; none of the hotel's creation.
    pub fn row(&self, step: &Step) -> Option<&Row> {
        self.rows.get(step.row.checked_sub(1)?)
    }

    /// What a right server answers, step by step.
    pub fn reckon(&self) -> Reckoned {
        reckon(&self.rows, &self.steps, |code| self.hotel.rooms(code))
    }

    /// A name for exactly this plan.
    pub fn digest(&self) -> anyhow::Result<Uuid> {
        let text = serde_json::to_vec(self)?;
        Ok(Uuid::new_v5(&Uuid::NAMESPACE_OID, &text))
    }
}

/// Where a step stands. `after` counts the steps of its row that it follows directly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    time: DateTime<Utc>,
    day_order: Verb,
    row: usize,
    after: usize,
}

fn in_order(rows: &[Row]) -> Vec<Step> {
    let numbered = rows.iter().zip(1..);
    let mut placed: Vec<_> = numbered
        .flat_map(|(row, number)| places(row, number))
        .collect();
    placed.sort_unstable_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, step)| step).collect()
}

/// The steps of a row, each at its own place. One exception: a step that would so come before the
/// step that it depends on (a cancellation on the day of its booking, a check-out on the day of its
/// check-in) follows that step directly.
fn places(row: &Row, number: usize) -> Vec<(Place, Step)> {
    let mut placed: Vec<(Place, Step)> = Vec::new();
    for (day, verb) in course(row) {
        let own = Place {
            time: day.and_time(NOON).and_utc(),
            day_order: verb,
            row: number,
            after: 0,
        };
        let place = match placed.last() {
            Some((before, _)) if own < *before => Place {
                after: before.after + 1,
                ..*before
            },
            _ => own,
        };
        let step = Step {
            row: number,
            verb,
            time: place.time,
        };
        placed.push((place, step));
    }
    placed
}

fn course(row: &Row) -> Vec<(NaiveDate, Verb)> {
    let booked = (row.booked_on, Verb::Book);
    match row.ending {
        Ending::Cancelled => vec![booked, (row.ended_on, Verb::Cancel)],
        Ending::NoShow => vec![booked, (row.ended_on, Verb::NoShow)],
        Ending::CheckedOut => vec![
            booked,
            (row.check_in, Verb::CheckIn),
            (row.ended_on, Verb::CheckOut),
        ],
    }
}
