//! The play on paper: a small model of the hotel that says what a right server answers.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::outcome::Outcome;
use super::plan::{Step, Verb};
use super::rows::Row;

/// The rooms of one type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rooms {
    /// How many guests a room takes.
    pub capacity: u32,
    /// How many rooms may be reserved for a night: those that there are and the overbooking.
    pub bookable: u32,
}

impl Rooms {
    /// More rooms than are ever wanted, for any number of guests.
    pub const ENDLESS: Self = Self {
        capacity: u32::MAX,
        bookable: u32::MAX,
    };
}

/// What the steps lead to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reckoned {
    /// What becomes of each step, in their order.
    pub outcomes: Vec<Outcome>,
    /// How many rooms are reserved in the end, by room type and night, where any is.
    pub reserved: BTreeMap<String, BTreeMap<NaiveDate, u32>>,
    /// The most rooms of a type that were reserved for any night at any time.
    pub peaks: BTreeMap<String, u32>,
}

/// Goes through `steps` with the rooms that `offered` tells for a room type.
pub(super) fn reckon(
    rows: &[Row],
    steps: &[Step],
    offered: impl Fn(&str) -> Option<Rooms>,
) -> Reckoned {
    let mut paper = Reckoned::default();
    let mut kept = vec![false; rows.len()];
    for step in steps {
        let index = step.row.wrapping_sub(1);
        let outcome = match rows.get(index) {
            None => Outcome::Accepted,
            Some(row) if step.verb == Verb::Book => {
                let outcome = paper.book(row, offered(&row.room_type));
                kept[index] = outcome == Outcome::Accepted;
                outcome
            }
            Some(_) if !kept[index] => Outcome::NotSent,
            Some(row) => paper.go_on(row, step),
        };
        paper.outcomes.push(outcome);
    }
    paper
}

impl Reckoned {
    fn book(&mut self, row: &Row, rooms: Option<Rooms>) -> Outcome {
        let Some(rooms) = rooms else {
            return Outcome::refused("validation");
        };
        if row.check_out <= row.check_in || row.guests() == 0 {
            return Outcome::refused("validation");
        }
        if row.check_in < row.booked_on {
            return Outcome::refused("check-in-past");
        }
        if row.guests() > rooms.capacity {
            return Outcome::refused("too-many-guests");
        }
        let reserved = self.reserved.entry(row.room_type.clone()).or_default();
        let taken = |night| reserved.get(&night).copied().unwrap_or(0);
        if nights(row.check_in, row.check_out).any(|night| taken(night) >= rooms.bookable) {
            return Outcome::refused("no-room-available");
        }
        let peak = self.peaks.entry(row.room_type.clone()).or_default();
        for night in nights(row.check_in, row.check_out) {
            let taken = reserved.entry(night).or_default();
            *taken += 1;
            *peak = (*peak).max(*taken);
        }
        Outcome::Accepted
    }

    fn go_on(&mut self, row: &Row, step: &Step) -> Outcome {
        let today = step.time.date_naive();
        match step.verb {
            Verb::Cancel => self.give_back(row, row.check_in),
            Verb::NoShow if today < row.check_in => return Outcome::refused("check-in-too-early"),
            Verb::NoShow => self.give_back(row, second_night(row)),
            Verb::CheckOut => self.give_back(row, today),
            Verb::CheckIn | Verb::Book | Verb::Open => {}
        }
        Outcome::Accepted
    }

    /// Gives the nights from `day` on back.
    fn give_back(&mut self, row: &Row, day: NaiveDate) {
        let reserved = self.reserved.entry(row.room_type.clone()).or_default();
        for night in nights(row.check_in.max(day), row.check_out) {
            if let Some(taken) = reserved.get_mut(&night) {
                *taken -= 1;
            }
        }
        reserved.retain(|_, taken| *taken > 0);
    }
}

fn second_night(row: &Row) -> NaiveDate {
    let second = row.check_in.checked_add_days(Days::new(1));
    second.unwrap_or(row.check_out)
}

fn nights(from: NaiveDate, until: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    from.iter_days().take_while(move |night| *night < until)
}
