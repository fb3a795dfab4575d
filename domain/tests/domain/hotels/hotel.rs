use chrono_tz::Tz;
use domain::decider::Kind;
use domain::hotels::hotel::{
    Command, Details, Event, Hotel, MAX_CAPACITY, MAX_ROOM_TYPES, MAX_ROOMS, MAX_TEXT, Rejection,
    State,
};
use domain::money::{Currency, MAX_AMOUNT, Money};

use crate::support::{
    HOTELIER, after, assert_refusals, euros, given, june, noon, room_type, small_hotel,
};

fn created() -> Event {
    Event::HotelCreated {
        owner: HOTELIER,
        details: small_hotel(),
    }
}

fn create(details: Details) -> Command {
    Command::Create {
        owner: HOTELIER,
        details,
    }
}

fn change(details: Details) -> Command {
    Command::Change { details }
}

fn renamed() -> Details {
    Details {
        name: "La Teranga".to_owned(),
        ..small_hotel()
    }
}

#[test]
fn a_hotel_is_created() {
    given::<Hotel>([])
        .when(create(small_hotel()))
        .then([created()]);
}

#[test]
fn a_hotel_is_created_once_only() {
    given::<Hotel>([created()])
        .when(create(small_hotel()))
        .refused(Rejection::Exists);
}

#[test]
fn a_deleted_hotel_does_not_come_back() {
    given::<Hotel>([created(), Event::HotelDeleted {}])
        .when(create(small_hotel()))
        .refused(Rejection::Exists);
}

#[test]
fn a_hotel_changes() {
    given::<Hotel>([created()])
        .when(change(renamed()))
        .then([Event::HotelChanged { details: renamed() }]);
}

#[test]
fn a_change_asked_for_twice_is_made_once() {
    given::<Hotel>([created(), Event::HotelChanged { details: renamed() }])
        .when(change(renamed()))
        .then([]);
}

#[test]
fn a_hotel_is_deleted_once() {
    given::<Hotel>([created()])
        .when(Command::Delete)
        .then([Event::HotelDeleted {}]);
    given::<Hotel>([created(), Event::HotelDeleted {}])
        .when(Command::Delete)
        .then([]);
}

#[test]
fn a_hotel_that_is_not_there_can_neither_change_nor_go() {
    given::<Hotel>([])
        .when(change(small_hotel()))
        .refused(Rejection::Unknown);
    given::<Hotel>([])
        .when(Command::Delete)
        .refused(Rejection::Unknown);
    given::<Hotel>([created(), Event::HotelDeleted {}])
        .when(change(small_hotel()))
        .refused(Rejection::Unknown);
}

#[test]
fn a_changed_hotel_keeps_its_owner() {
    let changed = Event::HotelChanged { details: renamed() };
    let state = after::<Hotel>(&[created(), changed]);
    assert_eq!(state.open(), Ok((HOTELIER, &renamed())));
}

#[test]
fn what_was_never_created_or_is_deleted_is_not_open() {
    let orphan = Event::HotelChanged { details: renamed() };
    assert_eq!(State::Absent.open(), Err(Rejection::Unknown));
    let deleted = after::<Hotel>(&[created(), Event::HotelDeleted {}]);
    assert_eq!(deleted.open(), Err(Rejection::Unknown));
    assert_eq!(deleted.known().map(|(owner, _)| owner), Ok(HOTELIER));
    assert_eq!(after::<Hotel>(&[orphan]), State::Absent);
}

#[test]
fn details_that_can_never_be_right_are_refused() {
    type Spoil = fn(&mut Details);
    let cases: [(Spoil, &str); 23] = [
        (|d| d.name = String::new(), "/name"),
        (|d| d.name = "  \t".to_owned(), "/name"),
        (|d| d.name = "é".repeat(MAX_TEXT + 1), "/name"),
        (|d| d.name = "a\0b".to_owned(), "/name"),
        (|d| d.city = String::new(), "/city"),
        (|d| d.city = "é".repeat(MAX_TEXT + 1), "/city"),
        (|d| d.city = "a\0b".to_owned(), "/city"),
        (|d| d.rating = 6, "/rating"),
        (
            |d| d.overbooking_allowance = MAX_ROOMS + 1,
            "/overbooking_allowance",
        ),
        (|d| d.room_types.clear(), "/room_types"),
        (
            |d| d.room_types = many_room_types(MAX_ROOM_TYPES + 1),
            "/room_types",
        ),
        (|d| d.room_types[1].code = String::new(), "/room_types"),
        (
            |d| d.room_types[1].code = "c".repeat(MAX_TEXT + 1),
            "/room_types",
        ),
        (|d| d.room_types[1].code = "a\0b".to_owned(), "/room_types"),
        (|d| d.room_types[1].name = " ".to_owned(), "/room_types"),
        (
            |d| d.room_types[1].name = "n".repeat(MAX_TEXT + 1),
            "/room_types",
        ),
        (|d| d.room_types[1].capacity = 0, "/room_types"),
        (
            |d| d.room_types[1].capacity = MAX_CAPACITY + 1,
            "/room_types",
        ),
        (|d| d.room_types[1].count = MAX_ROOMS + 1, "/room_types"),
        (
            |d| d.room_types[1].price_per_night.amount = -1,
            "/room_types",
        ),
        (
            |d| d.room_types[1].price_per_night.amount = MAX_AMOUNT + 1,
            "/room_types",
        ),
        (
            |d| d.room_types[1].price_per_night.currency = xof(),
            "/room_types",
        ),
        (|d| d.room_types[1].code = "DBL".to_owned(), "/room_types"),
    ];
    for (index, (spoil, pointer)) in cases.into_iter().enumerate() {
        let mut details = small_hotel();
        spoil(&mut details);
        let created = given::<Hotel>([]).when(create(details.clone())).result();
        let changed = given::<Hotel>([self::created()])
            .when(change(details))
            .result();
        for refused in [created, changed] {
            assert!(
                matches!(refused, Err(Rejection::Invalid(at, _)) if at == pointer),
                "case {index}, {pointer}: {refused:?}"
            );
        }
    }
}

#[test]
fn details_at_the_edge_of_what_is_right_are_taken() {
    type Stretch = fn(&mut Details);
    let cases: [Stretch; 10] = [
        |d| d.name = "é".repeat(MAX_TEXT),
        |d| d.rating = 0,
        |d| d.rating = 5,
        |d| d.overbooking_allowance = MAX_ROOMS,
        |d| d.room_types = many_room_types(MAX_ROOM_TYPES),
        |d| d.room_types[0].capacity = 1,
        |d| d.room_types[0].capacity = MAX_CAPACITY,
        |d| d.room_types[0].count = 0,
        |d| d.room_types[0].count = MAX_ROOMS,
        |d| {
            d.room_types[0].price_per_night.amount = 0;
            d.room_types[1].price_per_night.amount = MAX_AMOUNT;
        },
    ];
    for stretch in cases {
        let mut details = small_hotel();
        stretch(&mut details);
        given::<Hotel>([])
            .when(create(details.clone()))
            .then([Event::HotelCreated {
                owner: HOTELIER,
                details,
            }]);
    }
}

#[test]
fn the_price_of_a_hotel_is_its_lowest() {
    let mut details = small_hotel();
    assert_eq!(details.price_per_night(), Some(&euros(80)));
    details.room_types.push(room_type("SGL", 1, 1, 45));
    assert_eq!(details.price_per_night(), Some(&euros(45)));
    details.room_types.clear();
    assert_eq!(details.price_per_night(), None);
}

#[test]
fn a_room_type_is_found_by_its_exact_code() {
    let details = small_hotel();
    assert_eq!(details.room_type("STE"), Some(&details.room_types[1]));
    assert_eq!(details.room_type("ste"), None);
}

#[test]
fn the_date_of_a_hotel_is_that_of_its_time_zone() {
    let cases: [(Tz, u32); 4] = [
        (Tz::UTC, 10),
        (Tz::Africa__Dakar, 10),
        // 12 hours ahead of UTC in June: midnight.
        (Tz::Pacific__Auckland, 11),
        // 11 hours behind: one in the morning.
        (Tz::Pacific__Pago_Pago, 10),
    ];
    for (time_zone, day) in cases {
        let details = Details {
            time_zone,
            ..small_hotel()
        };
        assert_eq!(details.date_at(noon(10)), june(day), "{time_zone}");
    }
}

#[test]
fn every_refusal_has_its_kind_code_and_sentence() {
    assert_refusals(&[
        (
            Rejection::Unknown,
            Kind::Unknown,
            "hotel-unknown",
            "there is no such hotel",
        ),
        (
            Rejection::Exists,
            Kind::Refused,
            "hotel-exists",
            "the hotel exists already",
        ),
        (
            Rejection::NotYours,
            Kind::Forbidden,
            "forbidden",
            "the hotel is another account's",
        ),
        (
            Rejection::Inactive,
            Kind::Refused,
            "hotel-inactive",
            "the hotel takes no reservations now",
        ),
        (
            Rejection::UnknownRoomType,
            Kind::Invalid("/room_type"),
            "validation",
            "the hotel has no such room type",
        ),
        (
            Rejection::Invalid("/name", "a name is needed"),
            Kind::Invalid("/name"),
            "validation",
            "a name is needed",
        ),
    ]);
}

fn many_room_types(count: usize) -> Vec<domain::hotels::hotel::RoomType> {
    let codes = (0..count).map(|n| format!("T{n}"));
    codes.map(|code| room_type(&code, 2, 1, 50)).collect()
}

fn xof() -> Currency {
    Currency::try_from("XOF".to_owned()).unwrap()
}

#[test]
fn one_currency_may_be_any() {
    let mut details = small_hotel();
    for room_type in &mut details.room_types {
        room_type.price_per_night = Money::new(50_000, xof());
    }
    given::<Hotel>([])
        .when(create(details.clone()))
        .then([Event::HotelCreated {
            owner: HOTELIER,
            details,
        }]);
}
