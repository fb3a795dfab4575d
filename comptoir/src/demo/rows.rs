//! The reservations of `comptoir/data/hotel_bookings.csv.gz`, one a row.

use std::io::Read;

use anyhow::Context;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::numbers::cents;

const PUBLISHED: &[u8] = include_bytes!("../../data/hotel_bookings.csv.gz");

/// How a reservation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// The guests left.
    #[serde(rename = "Check-Out")]
    CheckedOut,
    /// It was called off.
    #[serde(rename = "Canceled")]
    Cancelled,
    /// The guests never came.
    #[serde(rename = "No-Show")]
    NoShow,
}

/// A reservation from its booking to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The letter of the room type that was asked for.
    pub room_type: String,
    /// The day on which it was made.
    pub booked_on: NaiveDate,
    /// The first night.
    pub check_in: NaiveDate,
    /// The day after the last night; the same as `check_in` where the row has no night.
    pub check_out: NaiveDate,
    /// Grown-ups.
    pub adults: u32,
    /// Children. Babies are not counted: a baby takes no bed.
    pub children: u32,
    /// What a night cost, in cents.
    pub price: i64,
    /// How it ended.
    pub ending: Ending,
    /// When it ended.
    pub ended_on: NaiveDate,
}

impl Row {
    /// Adults and children.
    pub fn guests(&self) -> u32 {
        self.adults.saturating_add(self.children)
    }
}

/// A row by the names of the columns.
#[derive(Deserialize)]
struct Record {
    lead_time: u64,
    arrival_date_year: i32,
    arrival_date_month: String,
    arrival_date_day_of_month: u32,
    stays_in_weekend_nights: u64,
    stays_in_week_nights: u64,
    adults: u32,
    children: u32,
    reserved_room_type: String,
    adr: String,
    reservation_status: Ending,
    reservation_status_date: String,
}

/// The rows that come with Comptoir.
pub fn published() -> anyhow::Result<Vec<Row>> {
    parse(flate2::read::GzDecoder::new(PUBLISHED))
}

/// Reads the rows of a CSV file with the columns of the published one.
pub fn parse(csv: impl Read) -> anyhow::Result<Vec<Row>> {
    let mut reader = csv::Reader::from_reader(csv);
    let records = reader.deserialize::<Record>().enumerate();
    records
        .map(|(index, record)| row(record?).with_context(|| format!("row {}", index + 1)))
        .collect::<anyhow::Result<_>>()
        .context("the demo's reservations can't be read")
}

fn row(record: Record) -> anyhow::Result<Row> {
    let Record {
        arrival_date_year: year,
        arrival_date_month: month,
        arrival_date_day_of_month: day,
        ..
    } = &record;
    let check_in = NaiveDate::parse_from_str(&format!("{day} {month} {year}"), "%d %B %Y")
        .context("no such day of arrival")?;
    let nights = record.stays_in_weekend_nights + record.stays_in_week_nights;
    let ended_on = NaiveDate::parse_from_str(&record.reservation_status_date, "%m/%d/%Y")
        .context("no such day of the last status")?;
    Ok(Row {
        booked_on: check_in
            .checked_sub_days(Days::new(record.lead_time))
            .context("booked before all time")?,
        check_out: check_in
            .checked_add_days(Days::new(nights))
            .context("a stay without end")?,
        check_in,
        room_type: record.reserved_room_type,
        adults: record.adults,
        children: record.children,
        price: cents(&record.adr)?,
        ending: record.reservation_status,
        ended_on,
    })
}
