//! A hotel: its name and place, and the room types it offers.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::decider::{self, Decider, Verdict};
use crate::money::{Currency, MAX_AMOUNT, Money};

/// The most room types that a hotel may have.
pub const MAX_ROOM_TYPES: usize = 50;
/// The most rooms of one type, and the largest overbooking allowance.
pub const MAX_ROOMS: u32 = 10_000;
/// The most guests of one room.
pub const MAX_CAPACITY: u32 = 100;
/// The longest name, city or code, in characters.
pub const MAX_TEXT: usize = 200;

/// A kind of room that the hotel offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomType {
    /// Its short name, unique in the hotel.
    pub code: String,
    /// Its name for guests.
    pub name: String,
    /// How many guests a room of it takes.
    pub capacity: u32,
    /// How many rooms of it there are.
    pub count: u32,
    /// What a night in it costs.
    pub price_per_night: Money,
}

/// What is known of a hotel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Details {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub city: String,
    /// Whose calendar its dates are, an IANA name such as `Africa/Dakar`.
    pub time_zone: Tz,
    /// Its stars, 0 to 5.
    pub rating: u8,
    /// Whether it takes reservations.
    pub is_active: bool,
    /// What it offers, in its own order.
    pub room_types: Vec<RoomType>,
    /// How many rooms more than there are may be reserved, per room type and night.
    pub overbooking_allowance: u32,
}

impl Details {
    /// The lowest price of a night.
    pub fn price_per_night(&self) -> Option<&Money> {
        self.room_types
            .iter()
            .map(|room_type| &room_type.price_per_night)
            .min_by_key(|price| price.amount)
    }

    /// The currency of all its prices.
    pub fn currency(&self) -> Option<Currency> {
        self.price_per_night().map(|price| price.currency)
    }

    /// The room type with this code.
    pub fn room_type(&self, code: &str) -> Option<&RoomType> {
        self.room_types.iter().find(|offered| offered.code == code)
    }

    /// The hotel's date at `time`.
    pub fn date_at(&self, time: DateTime<Utc>) -> NaiveDate {
        time.with_timezone(&self.time_zone).date_naive()
    }

    fn check(&self) -> Result<(), Rejection> {
        check_text(&self.name, "/name")?;
        check_text(&self.city, "/city")?;
        if self.rating > 5 {
            return Err(Rejection::Invalid("/rating", "a rating is 0 to 5 stars"));
        }
        if self.overbooking_allowance > MAX_ROOMS {
            let why = "an overbooking allowance is 10,000 rooms at most";
            return Err(Rejection::Invalid("/overbooking_allowance", why));
        }
        self.check_room_types()
    }

    fn check_room_types(&self) -> Result<(), Rejection> {
        let invalid = |why| Err(Rejection::Invalid("/room_types", why));
        if self.room_types.is_empty() || self.room_types.len() > MAX_ROOM_TYPES {
            return invalid("a hotel has 1 to 50 room types");
        }
        for (index, room_type) in self.room_types.iter().enumerate() {
            check_text(&room_type.code, "/room_types")?;
            check_text(&room_type.name, "/room_types")?;
            if !(1..=MAX_CAPACITY).contains(&room_type.capacity) {
                return invalid("a room takes 1 to 100 guests");
            }
            if room_type.count > MAX_ROOMS {
                return invalid("a room type has 10,000 rooms at most");
            }
            if !(0..=MAX_AMOUNT).contains(&room_type.price_per_night.amount) {
                return invalid("a price is 0 to 1,000,000,000,000 minor units");
            }
            let earlier = &self.room_types[..index];
            if earlier.iter().any(|other| other.code == room_type.code) {
                return invalid("each room type has a code of its own");
            }
            let currency = self.room_types[0].price_per_night.currency;
            if room_type.price_per_night.currency != currency {
                return invalid("all prices of a hotel are in one currency");
            }
        }
        Ok(())
    }
}

fn check_text(text: &str, pointer: &'static str) -> Result<(), Rejection> {
    if text.trim().is_empty() || text.chars().count() > MAX_TEXT || text.contains(char::is_control)
    {
        let why = "a text has 1 to 200 characters that can be printed, and not only blanks";
        return Err(Rejection::Invalid(pointer, why));
    }
    Ok(())
}

/// What happened to a hotel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// It came to be, owned by an account.
    HotelCreated {
        /// The account that runs it.
        owner: Uuid,
        /// What is known of it.
        details: Details,
    },
    /// What is known of it changed.
    HotelChanged {
        /// All that is known of it now.
        details: Details,
    },
    /// It is no more.
    HotelDeleted {},
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// What may be asked of a hotel.
#[derive(Debug, Clone)]
pub enum Command {
    /// Make it.
    Create {
        /// The account that runs it.
        owner: Uuid,
        /// What is known of it.
        details: Details,
    },
    /// Replace what is known of it.
    Change {
        /// All that is known of it.
        details: Details,
    },
    /// Take it away.
    Delete,
}

/// Why a hotel refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such hotel, or no longer.
    #[error("there is no such hotel")]
    Unknown,
    /// The id is taken.
    #[error("the hotel exists already")]
    Exists,
    /// It is another account's hotel.
    #[error("the hotel is another account's")]
    NotYours,
    /// It takes no reservations now.
    #[error("the hotel takes no reservations now")]
    Inactive,
    /// It does not offer that room type.
    #[error("the hotel has no such room type")]
    UnknownRoomType,
    /// A field that can never be right.
    #[error("{1}")]
    Invalid(&'static str, &'static str),
}

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Unknown => Verdict::unknown("hotel-unknown"),
            Self::Exists => Verdict::refused("hotel-exists"),
            Self::NotYours => Verdict::forbidden("forbidden"),
            Self::Inactive => Verdict::refused("hotel-inactive"),
            Self::UnknownRoomType => Verdict::invalid("/room_type"),
            Self::Invalid(pointer, _) => Verdict::invalid(pointer),
        }
    }
}

/// A hotel as its events left it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Not yet created.
    #[default]
    Absent,
    /// It stands.
    Open {
        /// The account that runs it.
        owner: Uuid,
        /// What is known of it.
        details: Details,
    },
    /// It was deleted; stays that are over may still be closed.
    Deleted {
        /// The account that ran it.
        owner: Uuid,
        /// What was known of it.
        details: Details,
    },
}

impl State {
    /// The owner and the details, while the hotel stands.
    pub fn open(&self) -> Result<(Uuid, &Details), Rejection> {
        match self {
            Self::Open { owner, details } => Ok((*owner, details)),
            Self::Absent | Self::Deleted { .. } => Err(Rejection::Unknown),
        }
    }

    /// The owner and the details, also once the hotel was deleted.
    pub fn known(&self) -> Result<(Uuid, &Details), Rejection> {
        match self {
            Self::Open { owner, details } | Self::Deleted { owner, details } => {
                Ok((*owner, details))
            }
            Self::Absent => Err(Rejection::Unknown),
        }
    }
}

/// The hotel aggregate.
pub struct Hotel;

impl Decider for Hotel {
    const TYPE: &'static str = "hotels.hotel";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::Create { owner, details } => {
                details.check()?;
                match state {
                    State::Absent => Ok(vec![Event::HotelCreated { owner, details }]),
                    State::Open { .. } | State::Deleted { .. } => Err(Rejection::Exists),
                }
            }
            Command::Change { details } => {
                let (_, current) = state.open()?;
                details.check()?;
                if details.currency() != current.currency() {
                    let why = "a hotel keeps its currency: what was booked is in it";
                    return Err(Rejection::Invalid("/room_types", why));
                }
                if *current == details {
                    return Ok(vec![]);
                }
                Ok(vec![Event::HotelChanged { details }])
            }
            Command::Delete => match state {
                State::Absent => Err(Rejection::Unknown),
                State::Open { .. } => Ok(vec![Event::HotelDeleted {}]),
                State::Deleted { .. } => Ok(vec![]),
            },
        }
    }

    fn evolve(state: State, event: &Event) -> State {
        match (state, event) {
            (_, Event::HotelCreated { owner, details }) => State::Open {
                owner: *owner,
                details: details.clone(),
            },
            (State::Open { owner, .. }, Event::HotelChanged { details }) => State::Open {
                owner,
                details: details.clone(),
            },
            (State::Open { owner, details }, Event::HotelDeleted {}) => {
                State::Deleted { owner, details }
            }
            (state, Event::HotelChanged { .. } | Event::HotelDeleted {}) => state,
        }
    }
}
