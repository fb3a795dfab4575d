//! A hotel through a season: bookings, changes and departures of many guests, while days pass and
//! rooms come and go.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, Duration, NaiveDate, NaiveTime};
use domain::actor::Actor;
use domain::decisions::book_room::Booking;
use domain::hotels::hotel::Details;
use domain::hotels::inventory::{self, RoomInventory, inventory_id};
use domain::hotels::reservation::{Booked, Event, Guests, Reservation, Status, booked};
use domain::hotels::stay::Stay;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use uuid::Uuid;

use super::{replays_to_what_was_carried, survives_being_stored};
use crate::decisions::to;
use crate::support::{
    HOTEL, admin, guest, hotelier, id, june, other_guest, other_hotelier, room_type, small_hotel,
};
use crate::world::{Outcome, World};

const ROOM_TYPES: [&str; 2] = ["DBL", "STE"];

#[derive(Debug, Clone)]
enum Step {
    /// Time passes.
    Wait {
        hours: i64,
    },
    /// The hotel has so many rooms now; with no number, it has no suites.
    Resize {
        doubles: u32,
        suites: Option<u32>,
        allowance: u32,
    },
    Book(Actor, Wish),
    Change(Actor, Index, Wish),
    /// The same rooms from the same day on, for so many nights.
    MoveEnd(Actor, Index, u64),
    Cancel(Actor, Index),
    CheckIn(Actor, Index),
    CheckOut(Actor, Index),
    NoShow(Actor, Index),
}

/// Rooms from a day that is so far from today.
#[derive(Debug, Clone)]
struct Wish {
    room_type: &'static str,
    in_days: i64,
    nights: u64,
    rooms: u32,
}

fn any_wish() -> impl Strategy<Value = Wish> {
    let room_type = prop_oneof![2 => Just("DBL"), 1 => Just("STE")];
    let rooms = prop_oneof![1 => Just(0u32), 12 => Just(1), 6 => Just(2)];
    (room_type, -1i64..5, 1u64..6, rooms).prop_map(|(room_type, in_days, nights, rooms)| Wish {
        room_type,
        in_days,
        nights,
        rooms,
    })
}

/// Who books, changes and cancels: mostly a guest, or the hotelier for one.
fn any_caller() -> impl Strategy<Value = Actor> {
    prop_oneof![
        6 => Just(guest()),
        2 => Just(other_guest()),
        6 => Just(hotelier()),
        1 => Just(admin()),
        1 => Just(other_hotelier()),
    ]
}

/// Who stands at the desk: mostly the hotelier.
fn any_clerk() -> impl Strategy<Value = Actor> {
    prop_oneof![10 => Just(hotelier()), 1 => Just(admin()), 1 => Just(guest())]
}

fn any_step() -> impl Strategy<Value = Step> {
    let (caller, clerk) = (any_caller, any_clerk);
    let which = any::<Index>;
    let suites = prop_oneof![1 => Just(None), 4 => (0u32..3).prop_map(Some)];
    let resize = (0u32..6, suites, 0u32..3);
    prop_oneof![
        5 => (1i64..48).prop_map(|hours| Step::Wait { hours }),
        2 => resize.prop_map(|(doubles, suites, allowance)| {
            Step::Resize { doubles, suites, allowance }
        }),
        12 => (caller(), any_wish()).prop_map(|(who, wish)| Step::Book(who, wish)),
        3 => (caller(), which(), any_wish()).prop_map(|(who, r, wish)| Step::Change(who, r, wish)),
        3 => (caller(), which(), 1u64..7).prop_map(|(who, r, to)| Step::MoveEnd(who, r, to)),
        1 => (caller(), which()).prop_map(|(who, r)| Step::Cancel(who, r)),
        8 => (clerk(), which()).prop_map(|(who, r)| Step::CheckIn(who, r)),
        4 => (clerk(), which()).prop_map(|(who, r)| Step::CheckOut(who, r)),
        1 => (clerk(), which()).prop_map(|(who, r)| Step::NoShow(who, r)),
    ]
}

struct Story {
    world: World,
    details: Details,
    reservations: Vec<Uuid>,
}

impl Story {
    /// Four double rooms and two suites, in this time zone.
    fn begin(time_zone: chrono_tz::Tz) -> Self {
        let details = Details {
            time_zone,
            room_types: vec![room_type("DBL", 2, 4, 80), room_type("STE", 4, 2, 200)],
            ..small_hotel()
        };
        Self {
            world: World::with_hotel(&details),
            details,
            reservations: Vec::new(),
        }
    }

    fn today(&self) -> NaiveDate {
        self.details.date_at(self.world.now)
    }

    /// One of the reservations so far, or one that nobody made.
    fn pick(&self, index: Index) -> Uuid {
        match self.reservations.len() {
            0 => id(999),
            count => self.reservations[index.index(count)],
        }
    }

    fn wanted(&self, wish: &Wish) -> Booking {
        let check_in = self.today() + Duration::days(wish.in_days);
        Booking {
            hotel_id: HOTEL,
            room_type: wish.room_type.to_owned(),
            stay: Stay::parse(check_in, check_in + Days::new(wish.nights)).unwrap(),
            rooms: wish.rooms,
            guests: Guests {
                adults: 2,
                children: 0,
            },
        }
    }

    /// The same rooms and the same first night, for so many nights.
    fn with_other_end(&self, reservation: Uuid, nights: u64) -> Option<Booking> {
        let terms = booked(&self.world.state::<Reservation>(reservation))
            .ok()?
            .terms
            .clone();
        let check_in = terms.stay.check_in;
        Some(Booking {
            room_type: terms.room_type,
            stay: Stay::parse(check_in, check_in + Days::new(nights)).unwrap(),
            rooms: terms.rooms,
            ..self.wanted(&Wish {
                room_type: "DBL",
                in_days: 0,
                nights,
                rooms: 1,
            })
        })
    }

    fn take(&mut self, step: &Step) -> Outcome<()> {
        match step {
            Step::Wait { hours } => {
                self.world.now += Duration::hours(*hours);
                Outcome::idle()
            }
            Step::Resize {
                doubles,
                suites,
                allowance,
            } => {
                let doubles = room_type("DBL", 2, *doubles, 80);
                let suites = suites.map(|count| room_type("STE", 4, count, 200));
                let details = Details {
                    room_types: [doubles].into_iter().chain(suites).collect(),
                    overbooking_allowance: *allowance,
                    ..self.details.clone()
                };
                self.world.change_hotel(&hotelier(), &details)
            }
            Step::Book(who, wish) => {
                let wanted = self.wanted(wish);
                let id = id(1_000 + self.reservations.len() as u128);
                let outcome = self.world.book(who, id, wanted);
                if outcome.answer.is_ok() {
                    self.reservations.push(id);
                }
                outcome.without_answer()
            }
            Step::Change(who, which, wish) => {
                let wanted = to(self.wanted(wish));
                let id = self.pick(*which);
                self.world.change(who, id, wanted).without_answer()
            }
            Step::MoveEnd(who, which, nights) => {
                let id = self.pick(*which);
                match self.with_other_end(id, *nights) {
                    Some(wanted) => self.world.change(who, id, to(wanted)).without_answer(),
                    None => Outcome::idle(),
                }
            }
            Step::Cancel(who, which) => self.world.cancel(who, self.pick(*which)),
            Step::CheckIn(who, which) => self.world.check_in(who, self.pick(*which)),
            Step::CheckOut(who, which) => self.world.check_out(who, self.pick(*which)),
            Step::NoShow(who, which) => self.world.no_show(who, self.pick(*which)),
        }
    }

    fn rooms(&self, room_type: &str) -> inventory::State {
        let id = inventory_id(HOTEL, room_type);
        self.world.carried::<RoomInventory>(id)
    }

    /// How many rooms of this type the reservations hold for each night, reckoned from them alone.
    fn held(&self, room_type: &str) -> BTreeMap<NaiveDate, u32> {
        let mut held = BTreeMap::new();
        for id in &self.reservations {
            let booked = self.booked(*id);
            if booked.terms.room_type != room_type {
                continue;
            }
            for night in self.nights_held(*id, &booked) {
                *held.entry(night).or_insert(0) += booked.terms.rooms;
            }
        }
        held
    }

    fn nights_held(&self, id: Uuid, booked: &Booked) -> Vec<NaiveDate> {
        let stay = booked.terms.stay;
        let days = (stay.check_out - stay.check_in).num_days();
        let mut nights: Vec<_> = (0..days)
            .map(|day| stay.check_in + Duration::days(day))
            .collect();
        match booked.status {
            Status::Confirmed | Status::CheckedIn => {}
            Status::Cancelled => nights.clear(),
            Status::NoShow => nights.truncate(1),
            Status::CheckedOut => match self.world.history::<Reservation>(id).last() {
                Some(Event::GuestsCheckedOut { on }) => nights.retain(|night| night < on),
                other => panic!("checked out, but by {other:?}"),
            },
        }
        nights
    }

    fn booked(&self, id: Uuid) -> Booked {
        self.world.carried::<Reservation>(id).unwrap()
    }
}

/// Tells many stories, and checks each after every step and at its end.
fn every_story(
    cases: u32,
    after_step: impl Fn(&Story, &Outcome<()>) -> Result<(), TestCaseError>,
    at_the_end: impl Fn(&Story) -> Result<(), TestCaseError>,
) {
    let zones = [
        chrono_tz::UTC,
        chrono_tz::Pacific::Auckland,
        chrono_tz::America::New_York,
    ];
    let config = ProptestConfig::with_cases(cases);
    proptest!(config, |(zone in select(zones.to_vec()), steps in vec(any_step(), 1..120))| {
        let mut story = Story::begin(zone);
        story.world.now = june(1).and_time(NaiveTime::MIN).and_utc();
        for step in &steps {
            let outcome = story.take(step);
            after_step(&story, &outcome)?;
        }
        at_the_end(&story)?;
    });
}

const NO_CHECK: fn(&Story) -> Result<(), TestCaseError> = |_| Ok(());

#[test]
fn no_night_is_promised_to_more_than_the_hotel_allows() {
    let promised_too_often = |story: &Story, outcome: &Outcome<()>| {
        let today = story.today();
        for code in ROOM_TYPES {
            let rooms = story.rooms(code);
            for (night, reserved) in rooms.reserved.range(today..) {
                prop_assert!(
                    *reserved <= rooms.bookable(),
                    "{code} on {night}: {rooms:?}"
                );
            }
        }
        for (stream, event) in &outcome.events {
            if event.event_type != "RoomsReserved" {
                continue;
            }
            let rooms = story.world.carried::<RoomInventory>(stream.id);
            let taken = serde_json::from_str(&event.payload).unwrap();
            let inventory::Event::RoomsReserved(taken) = taken else {
                panic!("{taken:?}");
            };
            for night in taken.stay.nights() {
                prop_assert!(
                    rooms.reserved_for(night) <= rooms.count + rooms.overbooking_allowance
                );
            }
        }
        Ok(())
    };
    every_story(96, promised_too_often, NO_CHECK);
}

#[test]
fn the_inventory_says_what_the_reservations_hold() {
    let all_accounted_for = |story: &Story, _: &Outcome<()>| {
        for code in ROOM_TYPES {
            prop_assert_eq!(story.rooms(code).reserved, story.held(code), "{}", code);
        }
        Ok(())
    };
    every_story(96, all_accounted_for, NO_CHECK);
}

#[test]
fn a_total_is_its_nights_times_its_rooms_times_its_price() {
    every_story(
        24,
        |_, _| Ok(()),
        |story| {
            for id in &story.reservations {
                let terms = story.booked(*id).terms;
                let nights = i64::from(terms.stay.length());
                let expected = terms.price_per_night.amount * nights * i64::from(terms.rooms);
                prop_assert_eq!(terms.total.amount, expected);
            }
            Ok(())
        },
    );
}

#[test]
fn replaying_the_log_gives_the_states_that_were_carried_along() {
    every_story(
        24,
        |_, _| Ok(()),
        |story| {
            replays_to_what_was_carried(&story.world)?;
            survives_being_stored(&story.world)
        },
    );
}

/// Laws over stories in which nothing happens would prove nothing.
#[test]
fn the_stories_meet_every_event_and_nearly_every_refusal() {
    let met = RefCell::new(BTreeSet::new());
    let remember = |_: &Story, outcome: &Outcome<()>| {
        let mut met = met.borrow_mut();
        met.extend(outcome.events.iter().map(|(_, event)| event.event_type));
        met.extend(
            outcome
                .answer
                .as_ref()
                .err()
                .map(|rejection| rejection.verdict().code),
        );
        Ok(())
    };
    every_story(192, remember, NO_CHECK);
    let met = met.into_inner();
    for expected in [
        "HotelChanged",
        "InventoryOpened",
        "InventoryResized",
        "InventoryClosed",
        "RoomsReserved",
        "RoomsReleased",
        "ReservationBooked",
        "ReservationChanged",
        "ReservationCancelled",
        "GuestsCheckedIn",
        "GuestsCheckedOut",
        "NoShowDeclared",
        "no-room-available",
        "rooms-reserved",
        "forbidden",
        "validation",
        "check-in-past",
        "check-in-too-early",
        "stay-over",
        "stay-begun",
        "reservation-status",
    ] {
        assert!(
            met.contains(expected),
            "no story has met {expected}: {met:?}"
        );
    }
}
