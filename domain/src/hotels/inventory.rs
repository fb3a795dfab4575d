//! The rooms of one type in one hotel: how many are reserved for each night.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::stay::Stay;
use crate::decider::{self, Decider, Verdict};
use crate::money::Money;

/// The stream of the rooms of type `code` in `hotel`.
pub fn inventory_id(hotel: Uuid, code: &str) -> Uuid {
    Uuid::new_v5(&hotel, code.as_bytes())
}

/// Rooms that a reservation takes or gives back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// Whose rooms.
    pub reservation_id: Uuid,
    /// For which nights.
    pub stay: Stay,
    /// How many.
    pub rooms: u32,
    /// What one of them costs a night.
    pub price_per_night: Money,
}

/// What happened to the rooms of one type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, strum::IntoStaticStr)]
#[serde(tag = "type")]
pub enum Event {
    /// The hotel began to offer the room type.
    InventoryOpened {
        /// Whose rooms.
        hotel_id: Uuid,
        /// The code of their type.
        room_type: String,
        /// How many there are.
        count: u32,
        /// How many more may be reserved.
        overbooking_allowance: u32,
    },
    /// There are more rooms now, or fewer.
    InventoryResized {
        /// How many there are.
        count: u32,
        /// How many more may be reserved.
        overbooking_allowance: u32,
    },
    /// The hotel offers the room type no more.
    InventoryClosed {},
    /// A reservation took rooms.
    RoomsReserved(Allocation),
    /// A reservation gave rooms back.
    RoomsReleased(Allocation),
}

impl decider::Event for Event {
    fn name(&self) -> &'static str {
        self.into()
    }
}

/// What may be asked of the rooms of one type.
#[derive(Debug, Clone)]
pub enum Command {
    /// Offer the room type.
    Open {
        /// Whose rooms.
        hotel_id: Uuid,
        /// The code of their type.
        room_type: String,
        /// How many there are.
        count: u32,
        /// How many more may be reserved.
        overbooking_allowance: u32,
    },
    /// Have more rooms, or fewer.
    Resize {
        /// How many there are.
        count: u32,
        /// How many more may be reserved.
        overbooking_allowance: u32,
        /// The hotel's date: nights before it no longer count.
        today: NaiveDate,
    },
    /// Offer the room type no more.
    Close {
        /// The hotel's date: nights before it no longer count.
        today: NaiveDate,
    },
    /// Take rooms for a reservation.
    Reserve(Allocation),
    /// Give a reservation's rooms back.
    Release(Allocation),
}

/// A night with too few rooms left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShortNight {
    /// The night.
    pub date: NaiveDate,
    /// How many rooms are left for it.
    pub available: u32,
}

/// Why the inventory refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The hotel does not offer this room type.
    #[error("the hotel has no such room type")]
    Closed,
    /// It is offered already.
    #[error("the room type is offered already")]
    AlreadyOpen,
    /// Too few rooms are left.
    #[error("no room is available for {} of the nights", .0.len())]
    NoRoomAvailable(Vec<ShortNight>),
    /// More rooms are reserved than would be left.
    #[error("{reserved} rooms are reserved for the night of {date}")]
    RoomsReserved {
        /// The first such night.
        date: NaiveDate,
        /// How many are reserved for it.
        reserved: u32,
    },
    /// More rooms were to be given back than are reserved.
    #[error("fewer rooms are reserved for the night of {0} than are given back")]
    NotReserved(NaiveDate),
}

impl decider::Rejection for Rejection {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Closed => Verdict::invalid("/room_type"),
            Self::AlreadyOpen => Verdict::refused("room-type-exists"),
            Self::NoRoomAvailable(nights) => {
                Verdict::refused("no-room-available").with(json!({ "nights": nights }))
            }
            Self::RoomsReserved { date, reserved } => Verdict::refused("rooms-reserved")
                .with(json!({ "date": date, "reserved": reserved })),
            Self::NotReserved(_) => Verdict::refused("rooms-not-reserved"),
        }
    }
}

/// The rooms of one type as their events left them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Whether the hotel offers them.
    pub open: bool,
    /// How many there are.
    pub count: u32,
    /// How many more may be reserved.
    pub overbooking_allowance: u32,
    /// How many are reserved, for each night that has any.
    pub reserved: BTreeMap<NaiveDate, u32>,
}

impl State {
    /// Rooms that are there or may be overbooked.
    pub fn bookable(&self) -> u32 {
        self.count + self.overbooking_allowance
    }

    /// Rooms reserved for `night`.
    pub fn reserved_for(&self, night: NaiveDate) -> u32 {
        self.reserved.get(&night).copied().unwrap_or(0)
    }

    /// Rooms left for `night`.
    pub fn available(&self, night: NaiveDate) -> u32 {
        self.bookable().saturating_sub(self.reserved_for(night))
    }

    /// The first night from `today` on with more than `limit` rooms reserved.
    fn check_reserved(&self, today: NaiveDate, limit: u32) -> Result<(), Rejection> {
        let mut coming = self.reserved.range(today..);
        match coming.find(|(_, reserved)| **reserved > limit) {
            Some((&date, &reserved)) => Err(Rejection::RoomsReserved { date, reserved }),
            None => Ok(()),
        }
    }

    fn check_available(&self, wanted: &Allocation) -> Result<(), Rejection> {
        let short: Vec<ShortNight> = wanted
            .stay
            .nights()
            .map(|date| ShortNight {
                date,
                available: self.available(date),
            })
            .filter(|night| night.available < wanted.rooms)
            .collect();
        if short.is_empty() {
            Ok(())
        } else {
            Err(Rejection::NoRoomAvailable(short))
        }
    }
}

/// The aggregate of the rooms of one type.
pub struct RoomInventory;

impl Decider for RoomInventory {
    const TYPE: &'static str = "hotels.room_inventory";
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command) -> Result<Vec<Event>, Rejection> {
        if !state.open && !matches!(command, Command::Open { .. } | Command::Release(_)) {
            return Err(Rejection::Closed);
        }
        match command {
            Command::Open {
                hotel_id,
                room_type,
                count,
                overbooking_allowance,
            } => {
                if state.open {
                    return Err(Rejection::AlreadyOpen);
                }
                Ok(vec![Event::InventoryOpened {
                    hotel_id,
                    room_type,
                    count,
                    overbooking_allowance,
                }])
            }
            Command::Resize {
                count,
                overbooking_allowance,
                today,
            } => {
                if (count, overbooking_allowance) == (state.count, state.overbooking_allowance) {
                    return Ok(vec![]);
                }
                // An overbooked night is an allowance used; it is no reason to lower the count.
                if count < state.count {
                    state.check_reserved(today, count)?;
                }
                if count + overbooking_allowance < state.bookable() {
                    state.check_reserved(today, count + overbooking_allowance)?;
                }
                Ok(vec![Event::InventoryResized {
                    count,
                    overbooking_allowance,
                }])
            }
            Command::Close { today } => {
                state.check_reserved(today, 0)?;
                Ok(vec![Event::InventoryClosed {}])
            }
            Command::Reserve(wanted) => {
                state.check_available(&wanted)?;
                Ok(vec![Event::RoomsReserved(wanted)])
            }
            Command::Release(given) => {
                let mut nights = given.stay.nights();
                match nights.find(|night| state.reserved_for(*night) < given.rooms) {
                    Some(night) => Err(Rejection::NotReserved(night)),
                    None => Ok(vec![Event::RoomsReleased(given)]),
                }
            }
        }
    }

    fn evolve(mut state: State, event: &Event) -> State {
        match event {
            Event::InventoryOpened {
                count,
                overbooking_allowance,
                ..
            } => {
                state.open = true;
                state.count = *count;
                state.overbooking_allowance = *overbooking_allowance;
            }
            Event::InventoryResized {
                count,
                overbooking_allowance,
            } => {
                state.count = *count;
                state.overbooking_allowance = *overbooking_allowance;
            }
            Event::InventoryClosed {} => state.open = false,
            Event::RoomsReserved(taken) => {
                for night in taken.stay.nights() {
                    *state.reserved.entry(night).or_insert(0) += taken.rooms;
                }
            }
            Event::RoomsReleased(given) => {
                for night in given.stay.nights() {
                    let left = state.reserved_for(night).saturating_sub(given.rooms);
                    if left == 0 {
                        state.reserved.remove(&night);
                    } else {
                        state.reserved.insert(night, left);
                    }
                }
            }
        }
        state
    }
}
