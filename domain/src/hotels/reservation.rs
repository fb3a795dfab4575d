//! A reservation: from its booking to the guest's departure.

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::stay::{InvalidStay, Stay};
use crate::decider::{self, Decider, Verdict};
use crate::money::Money;

/// How far ahead a stay may begin, in days.
pub const MAX_DAYS_AHEAD: u64 = 5 * 366;
/// The most rooms of one reservation.
pub const MAX_ROOMS: u32 = 1_000;
/// The most adults, and the most children, of one reservation.
pub const MAX_GUESTS: u32 = 10_000;

/// Rooms of one type for the nights of a stay, at a price that stays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The code of the room type.
    pub room_type: String,
    /// Which nights.
    pub stay: Stay,
    /// How many rooms.
    pub rooms: u32,
    /// What one room costs a night.
    pub price_per_night: Money,
    /// What the whole stay costs.
    pub total: Money,
}

/// Who comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guests {
    /// Grown-ups.
    pub adults: u32,
    /// Children.
    pub children: u32,
}

/// What happened to a reservation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// It was booked.
    ReservationBooked {
        /// In which hotel.
        hotel_id: Uuid,
        /// The account that booked it.
        booked_by: Uuid,
        /// What was booked.
        terms: Terms,
        /// For whom.
        guests: Guests,
    },
    /// It was moved to other nights, rooms or another room type.
    ReservationChanged {
        /// What is booked now.
        terms: Terms,
    },
    /// It was cancelled.
    ReservationCancelled {},
    /// The guests came.
    GuestsCheckedIn {
        /// The hotel's date.
        on: NaiveDate,
    },
    /// The guests left.
    GuestsCheckedOut {
        /// The hotel's date.
        on: NaiveDate,
    },
    /// The guests never came.
    NoShowDeclared {
        /// The hotel's date.
        on: NaiveDate,
    },
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// What may be asked of a reservation. `today` is the hotel's date.
#[derive(Debug, Clone)]
pub enum Command {
    /// Book it.
    Book {
        /// In which hotel.
        hotel_id: Uuid,
        /// The account that books.
        booked_by: Uuid,
        /// What to book.
        terms: Terms,
        /// For whom.
        guests: Guests,
        /// How many guests a room of that type takes.
        room_capacity: u32,
        /// The hotel's date.
        today: NaiveDate,
    },
    /// Move it to other nights, rooms or another room type.
    Change {
        /// What to book instead.
        terms: Terms,
        /// How many guests a room of that type takes.
        room_capacity: u32,
        /// The hotel's date.
        today: NaiveDate,
    },
    /// Cancel it.
    Cancel,
    /// The guests are here.
    CheckIn {
        /// The hotel's date.
        today: NaiveDate,
    },
    /// The guests leave.
    CheckOut {
        /// The hotel's date.
        today: NaiveDate,
    },
    /// The guests did not come.
    DeclareNoShow {
        /// The hotel's date.
        today: NaiveDate,
    },
}

/// Why a reservation refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such reservation.
    #[error("there is no such reservation")]
    Unknown,
    /// The id is taken.
    #[error("the reservation exists already")]
    Exists,
    /// It is another account's.
    #[error("the reservation is another account's")]
    NotYours,
    /// The nights can't be booked.
    #[error(transparent)]
    Stay(#[from] InvalidStay),
    /// No room is asked for, or absurdly many.
    #[error("a reservation has 1 to {MAX_ROOMS} rooms")]
    Rooms,
    /// Nobody comes, or absurdly many.
    #[error("a reservation has one guest at least, and {MAX_GUESTS} adults or children at most")]
    Guests,
    /// It begins too far ahead.
    #[error("a stay begins within five years")]
    TooFarAhead,
    /// The total can't be reckoned.
    #[error("the stay costs more than can be charged")]
    TooDear,
    /// It would begin before today.
    #[error("check-in on {check_in} is in the past: today is {today} at the hotel")]
    CheckInPast {
        /// The day asked for.
        check_in: NaiveDate,
        /// The hotel's date.
        today: NaiveDate,
    },
    /// The rooms don't take so many guests.
    #[error("{guests} guests do not fit into {rooms} rooms for {capacity} each")]
    TooManyGuests {
        /// How many come.
        guests: u32,
        /// How many rooms are asked for.
        rooms: u32,
        /// How many guests a room takes.
        capacity: u32,
    },
    /// It is past the state in which this may be done.
    #[error("the reservation is {0}")]
    WrongStatus(&'static str),
    /// The guests are there, so only the end of the stay may change.
    #[error("the stay has begun: only its check-out can be moved, to a day after today")]
    StayBegun,
    /// Check-in before the day of check-in.
    #[error("check-in is on {0}, not before")]
    TooEarly(NaiveDate),
    /// Check-in after the last night.
    #[error("the stay ended on {0}")]
    StayOver(NaiveDate),
}

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unknown => Verdict::unknown("reservation-unknown"),
            Self::Exists => Verdict::refused("reservation-exists"),
            Self::NotYours => Verdict::forbidden("forbidden"),
            Self::Stay(_) => Verdict::invalid("/check_out"),
            Self::Rooms => Verdict::invalid("/rooms"),
            Self::Guests => Verdict::invalid("/adults"),
            Self::TooFarAhead => Verdict::invalid("/check_in"),
            Self::TooDear => Verdict::invalid("/rooms"),
            Self::CheckInPast { .. } => Verdict::refused("check-in-past"),
            Self::TooManyGuests { .. } => Verdict::refused("too-many-guests"),
            Self::WrongStatus(_) => Verdict::refused("reservation-status"),
            Self::StayBegun => Verdict::refused("stay-begun"),
            Self::TooEarly(_) => Verdict::refused("check-in-too-early"),
            Self::StayOver(_) => Verdict::refused("stay-over"),
        }
    }
}

/// Where a reservation stands.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::EnumIter,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Status {
    /// The rooms are kept.
    Confirmed,
    /// The guests are there.
    CheckedIn,
    /// The guests have left.
    CheckedOut,
    /// It was called off.
    Cancelled,
    /// The guests never came.
    NoShow,
}

/// A reservation that was booked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Booked {
    /// In which hotel.
    pub hotel_id: Uuid,
    /// The account that booked it.
    pub booked_by: Uuid,
    /// What is booked.
    pub terms: Terms,
    /// For whom.
    pub guests: Guests,
    /// Where it stands.
    pub status: Status,
}

/// A reservation as its events left it; none before its booking.
pub type State = Option<Booked>;

/// What `state` holds, or that there is no such reservation.
pub fn booked(state: &State) -> Result<&Booked, Rejection> {
    state.as_ref().ok_or(Rejection::Unknown)
}

/// The reservation aggregate.
pub struct Reservation;

impl Decider for Reservation {
    const TYPE: &'static str = "hotels.reservation";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Rejection> {
        if let Command::Book {
            hotel_id,
            booked_by,
            terms,
            guests,
            room_capacity,
            today,
        } = command
        {
            if state.is_some() {
                return Err(Rejection::Exists);
            }
            check_counts(&terms, guests)?;
            check_begin(terms.stay.check_in, today)?;
            check_capacity(&terms, guests, room_capacity)?;
            return Ok(vec![Event::ReservationBooked {
                hotel_id,
                booked_by,
                terms,
                guests,
            }]);
        }
        let booked = booked(state)?;
        match command {
            Command::Book { .. } => Err(Rejection::Exists),
            Command::Change {
                terms,
                room_capacity,
                today,
            } => change(booked, terms, room_capacity, today),
            Command::Cancel => match booked.status {
                Status::Confirmed => Ok(vec![Event::ReservationCancelled {}]),
                Status::Cancelled => Ok(vec![]),
                other => Err(Rejection::WrongStatus(other.into())),
            },
            Command::CheckIn { today } => check_in(booked, today),
            Command::CheckOut { today } => match booked.status {
                Status::CheckedIn => Ok(vec![Event::GuestsCheckedOut { on: today }]),
                Status::CheckedOut => Ok(vec![]),
                other => Err(Rejection::WrongStatus(other.into())),
            },
            Command::DeclareNoShow { today } => no_show(booked, today),
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        if let Event::ReservationBooked {
            hotel_id,
            booked_by,
            terms,
            guests,
        } = event
        {
            return Some(Booked {
                hotel_id: *hotel_id,
                booked_by: *booked_by,
                terms: terms.clone(),
                guests: *guests,
                status: Status::Confirmed,
            });
        }
        let mut booked = state?;
        match event {
            Event::ReservationBooked { .. } => {}
            Event::ReservationChanged { terms } => booked.terms = terms.clone(),
            Event::ReservationCancelled {} => booked.status = Status::Cancelled,
            Event::GuestsCheckedIn { .. } => booked.status = Status::CheckedIn,
            Event::GuestsCheckedOut { .. } => booked.status = Status::CheckedOut,
            Event::NoShowDeclared { .. } => booked.status = Status::NoShow,
        }
        Some(booked)
    }
}

fn change(
    booked: &Booked,
    terms: Terms,
    room_capacity: u32,
    today: NaiveDate,
) -> Result<Vec<Event>, Rejection> {
    check_counts(&terms, booked.guests)?;
    let moved = terms.stay.check_in != booked.terms.stay.check_in;
    match booked.status {
        Status::Confirmed if moved => check_begin(terms.stay.check_in, today)?,
        Status::Confirmed => {}
        Status::CheckedIn => {
            let same_rooms =
                (&terms.room_type, terms.rooms) == (&booked.terms.room_type, booked.terms.rooms);
            if moved || !same_rooms || terms.stay.check_out <= today {
                return Err(Rejection::StayBegun);
            }
        }
        other => return Err(Rejection::WrongStatus(other.into())),
    }
    check_capacity(&terms, booked.guests, room_capacity)?;
    if terms == booked.terms {
        return Ok(vec![]);
    }
    Ok(vec![Event::ReservationChanged { terms }])
}

fn check_in(booked: &Booked, today: NaiveDate) -> Result<Vec<Event>, Rejection> {
    let stay = booked.terms.stay;
    match booked.status {
        Status::CheckedIn => Ok(vec![]),
        Status::Confirmed if today < stay.check_in => Err(Rejection::TooEarly(stay.check_in)),
        Status::Confirmed if today >= stay.check_out => Err(Rejection::StayOver(stay.check_out)),
        Status::Confirmed => Ok(vec![Event::GuestsCheckedIn { on: today }]),
        other => Err(Rejection::WrongStatus(other.into())),
    }
}

fn no_show(booked: &Booked, today: NaiveDate) -> Result<Vec<Event>, Rejection> {
    let check_in = booked.terms.stay.check_in;
    match booked.status {
        Status::NoShow => Ok(vec![]),
        Status::Confirmed if today < check_in => Err(Rejection::TooEarly(check_in)),
        Status::Confirmed => Ok(vec![Event::NoShowDeclared { on: today }]),
        other => Err(Rejection::WrongStatus(other.into())),
    }
}

fn check_begin(check_in: NaiveDate, today: NaiveDate) -> Result<(), Rejection> {
    if check_in < today {
        return Err(Rejection::CheckInPast { check_in, today });
    }
    match today.checked_add_days(Days::new(MAX_DAYS_AHEAD)) {
        Some(latest) if check_in <= latest => Ok(()),
        _ => Err(Rejection::TooFarAhead),
    }
}

fn check_counts(terms: &Terms, guests: Guests) -> Result<(), Rejection> {
    if !(1..=MAX_ROOMS).contains(&terms.rooms) {
        return Err(Rejection::Rooms);
    }
    let some = guests.adults > 0 || guests.children > 0;
    if !some || guests.adults > MAX_GUESTS || guests.children > MAX_GUESTS {
        return Err(Rejection::Guests);
    }
    Ok(())
}

fn check_capacity(terms: &Terms, guests: Guests, capacity: u32) -> Result<(), Rejection> {
    let guests = guests.adults + guests.children;
    let rooms = terms.rooms;
    if guests > rooms * capacity {
        return Err(Rejection::TooManyGuests {
            guests,
            rooms,
            capacity,
        });
    }
    Ok(())
}
