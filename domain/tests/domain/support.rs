//! What every test starts from: given, when, then on one aggregate; accounts, days and prices.

use chrono::{DateTime, NaiveDate, Utc};
use cqrs_es::test::TestFramework;
use domain::actor::{Actor, Role};
use domain::aggregate::{Happened, Root};
use domain::decider::{self, Decider, Kind, Rejection};
use domain::hotels::hotel::{Details, RoomType};
use domain::hotels::stay::Stay;
use domain::money::{Currency, Money};
use uuid::Uuid;

/// An aggregate to which something happened.
pub(crate) struct Given<D: Decider>(Vec<D::Event>);

/// What a command led to.
pub(crate) struct Then<D: Decider>(Result<Vec<D::Event>, D::Rejection>);

pub(crate) fn given<D: Decider>(events: impl IntoIterator<Item = D::Event>) -> Given<D> {
    Given(events.into_iter().collect())
}

impl<D: Decider> Given<D>
where
    D::Command: Send,
{
    pub(crate) fn when(self, command: D::Command) -> Then<D> {
        let decided = TestFramework::<Root<D>>::with(())
            .given(self.0.into_iter().map(Happened).collect())
            .when(command)
            .inspect_result();
        Then(decided.map(|events| events.into_iter().map(|Happened(event)| event).collect()))
    }
}

impl<D: Decider> Then<D> {
    #[track_caller]
    pub(crate) fn then(self, expected: impl IntoIterator<Item = D::Event>) {
        match self.0 {
            Ok(events) => assert_eq!(events, Vec::from_iter(expected)),
            Err(rejection) => panic!("refused: {rejection}"),
        }
    }

    #[track_caller]
    pub(crate) fn refused(self, expected: D::Rejection)
    where
        D::Rejection: PartialEq,
    {
        match self.0 {
            Ok(events) => panic!("not refused, but decided {events:?}"),
            Err(rejection) => assert_eq!(rejection, expected),
        }
    }

    pub(crate) fn result(self) -> Result<Vec<D::Event>, D::Rejection> {
        self.0
    }
}

/// The state that `events` add up to.
pub(crate) fn after<D: Decider>(events: &[D::Event]) -> D::State {
    decider::fold::<D>(D::State::default(), events)
}

/// Refusals are told apart by clients and read by people: checks kind, code and sentence of each.
#[track_caller]
pub(crate) fn assert_refusals<R: Rejection>(cases: &[(R, Kind, &str, &str)]) {
    for (rejection, kind, code, sentence) in cases {
        let verdict = rejection.verdict();
        let told = (verdict.kind, verdict.code, rejection.to_string());
        assert_eq!(told, (*kind, *code, (*sentence).to_owned()));
    }
}

pub(crate) const fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0192_f000_0000_7000_8000_0000_0000_0000 | n)
}

pub(crate) const HOTEL: Uuid = id(0x100);
pub(crate) const HOTELIER: Uuid = id(0x200);
pub(crate) const GUEST: Uuid = id(0x300);

fn actor(account: Uuid, role: Role) -> Actor {
    Actor {
        account,
        roles: vec![role],
    }
}

/// Who books.
pub(crate) fn guest() -> Actor {
    actor(GUEST, Role::Buyer)
}

/// Someone else who may book.
pub(crate) fn other_guest() -> Actor {
    actor(id(0x301), Role::Buyer)
}

/// The owner of [`HOTEL`].
pub(crate) fn hotelier() -> Actor {
    actor(HOTELIER, Role::Hotelier)
}

/// Who runs another hotel.
pub(crate) fn other_hotelier() -> Actor {
    actor(id(0x201), Role::Hotelier)
}

pub(crate) fn admin() -> Actor {
    actor(id(0x400), Role::Admin)
}

/// Who has an account, and no business with hotels.
pub(crate) fn seller() -> Actor {
    actor(id(0x500), Role::Seller)
}

/// A day of June 2030.
pub(crate) fn june(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2030, 6, day).unwrap()
}

/// Noon UTC on a day of June 2030.
pub(crate) fn noon(day: u32) -> DateTime<Utc> {
    june(day).and_hms_opt(12, 0, 0).unwrap().and_utc()
}

/// From one day of June 2030 to another.
pub(crate) fn stay(check_in: u32, check_out: u32) -> Stay {
    Stay::parse(june(check_in), june(check_out)).unwrap()
}

pub(crate) fn euros(amount: i64) -> Money {
    Money::new(amount * 100, Currency::EUR)
}

pub(crate) fn room_type(code: &str, capacity: u32, count: u32, euros_per_night: i64) -> RoomType {
    RoomType {
        code: code.to_owned(),
        name: format!("Room {code}"),
        capacity,
        count,
        price_per_night: euros(euros_per_night),
    }
}

/// A hotel on UTC with two double rooms and one suite, and no overbooking.
pub(crate) fn small_hotel() -> Details {
    Details {
        name: "Le Baobab".to_owned(),
        city: "Dakar".to_owned(),
        time_zone: chrono_tz::UTC,
        rating: 3,
        is_active: true,
        room_types: vec![room_type("DBL", 2, 2, 80), room_type("STE", 4, 1, 200)],
        overbooking_allowance: 0,
    }
}
