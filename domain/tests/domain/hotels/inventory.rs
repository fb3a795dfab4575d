use domain::decider::{Kind, Rejection as _};
use domain::hotels::inventory::{
    Allocation, Command, Event, Rejection, RoomInventory, ShortNight, State, inventory_id,
};
use serde_json::json;

use crate::support::{HOTEL, after, assert_refusals, euros, given, id, june, stay};

fn opened(count: u32, overbooking_allowance: u32) -> Event {
    Event::InventoryOpened {
        hotel_id: HOTEL,
        room_type: "DBL".to_owned(),
        count,
        overbooking_allowance,
    }
}

fn open(count: u32, overbooking_allowance: u32) -> Command {
    Command::Open {
        hotel_id: HOTEL,
        room_type: "DBL".to_owned(),
        count,
        overbooking_allowance,
    }
}

fn resized(count: u32, overbooking_allowance: u32) -> Event {
    Event::InventoryResized {
        count,
        overbooking_allowance,
    }
}

fn resize(count: u32, overbooking_allowance: u32) -> Command {
    Command::Resize {
        count,
        overbooking_allowance,
        today: june(10),
    }
}

fn close() -> Command {
    Command::Close { today: june(10) }
}

fn rooms(rooms: u32, check_in: u32, check_out: u32) -> Allocation {
    Allocation {
        reservation_id: id(1),
        stay: stay(check_in, check_out),
        rooms,
        price_per_night: euros(80),
    }
}

fn taken(number: u32, check_in: u32, check_out: u32) -> Event {
    Event::RoomsReserved(rooms(number, check_in, check_out))
}

fn given_back(number: u32, check_in: u32, check_out: u32) -> Event {
    Event::RoomsReleased(rooms(number, check_in, check_out))
}

fn short(day: u32, available: u32) -> ShortNight {
    ShortNight {
        date: june(day),
        available,
    }
}

fn reserved(state: &State) -> Vec<(u32, u32)> {
    use chrono::Datelike;
    let nights = state.reserved.iter();
    nights.map(|(night, rooms)| (night.day(), *rooms)).collect()
}

#[test]
fn a_room_type_is_offered() {
    given::<RoomInventory>([])
        .when(open(2, 1))
        .then([opened(2, 1)]);
}

#[test]
fn a_room_type_is_not_offered_twice() {
    given::<RoomInventory>([opened(2, 1)])
        .when(open(2, 1))
        .refused(Rejection::AlreadyOpen);
}

#[test]
fn a_room_type_may_be_offered_again_and_still_knows_past_nights() {
    let before = [opened(2, 0), taken(1, 8, 10), Event::InventoryClosed {}];
    given::<RoomInventory>(before.clone())
        .when(open(3, 1))
        .then([opened(3, 1)]);
    let state = after::<RoomInventory>(&[&before[..], &[opened(3, 1)]].concat());
    assert_eq!((state.open, state.bookable()), (true, 4));
    assert_eq!(reserved(&state), [(8, 1), (9, 1)]);
}

#[test]
fn rooms_that_are_not_offered_can_only_be_given_back() {
    let never: Vec<Event> = vec![];
    let no_longer = vec![opened(2, 0), taken(1, 8, 10), Event::InventoryClosed {}];
    for closed in [never, no_longer.clone()] {
        for command in [resize(3, 0), close(), Command::Reserve(rooms(1, 10, 12))] {
            given::<RoomInventory>(closed.clone())
                .when(command)
                .refused(Rejection::Closed);
        }
    }
    given::<RoomInventory>(no_longer)
        .when(Command::Release(rooms(1, 8, 10)))
        .then([given_back(1, 8, 10)]);
}

#[test]
fn rooms_are_taken_for_every_night_but_that_of_check_out() {
    given::<RoomInventory>([opened(2, 0)])
        .when(Command::Reserve(rooms(2, 10, 13)))
        .then([taken(2, 10, 13)]);
    let state = after::<RoomInventory>(&[opened(2, 0), taken(2, 10, 13)]);
    assert_eq!(reserved(&state), [(10, 2), (11, 2), (12, 2)]);
    assert_eq!(state.available(june(12)), 0);
    assert_eq!(state.available(june(13)), 2);
}

#[test]
fn one_guest_arrives_on_the_day_another_leaves() {
    given::<RoomInventory>([opened(1, 0), taken(1, 10, 12), taken(1, 13, 14)])
        .when(Command::Reserve(rooms(1, 12, 13)))
        .then([taken(1, 12, 13)]);
}

#[test]
fn too_few_rooms_are_refused_with_just_the_nights_that_are_short() {
    let booked = [opened(3, 0), taken(2, 10, 12), taken(1, 11, 12)];
    let cases = [
        (rooms(1, 9, 13), vec![short(11, 0)]),
        (rooms(2, 9, 13), vec![short(10, 1), short(11, 0)]),
        (rooms(4, 12, 14), vec![short(12, 3), short(13, 3)]),
    ];
    for (wanted, nights) in cases {
        given::<RoomInventory>(booked.clone())
            .when(Command::Reserve(wanted))
            .refused(Rejection::NoRoomAvailable(nights));
    }
}

#[test]
fn the_overbooking_allowance_is_taken_after_the_rooms_and_not_exceeded() {
    given::<RoomInventory>([opened(1, 1), taken(1, 10, 11)])
        .when(Command::Reserve(rooms(1, 10, 11)))
        .then([taken(1, 10, 11)]);
    given::<RoomInventory>([opened(1, 1), taken(2, 10, 11)])
        .when(Command::Reserve(rooms(1, 10, 11)))
        .refused(Rejection::NoRoomAvailable(vec![short(10, 0)]));
}

#[test]
fn what_is_available_is_never_below_zero() {
    // Rooms went after a night that was full.
    let state = after::<RoomInventory>(&[opened(3, 0), taken(3, 9, 10), resized(1, 0)]);
    assert_eq!(state.available(june(9)), 0);
}

#[test]
fn rooms_are_given_back() {
    given::<RoomInventory>([opened(2, 0), taken(2, 10, 13)])
        .when(Command::Release(rooms(1, 11, 13)))
        .then([given_back(1, 11, 13)]);
    let some = [opened(2, 0), taken(2, 10, 13), given_back(1, 11, 13)];
    assert_eq!(
        reserved(&after::<RoomInventory>(&some)),
        [(10, 2), (11, 1), (12, 1)]
    );
    let all = [opened(2, 0), taken(2, 10, 13), given_back(2, 10, 13)];
    assert_eq!(reserved(&after::<RoomInventory>(&all)), []);
}

#[test]
fn no_more_rooms_are_given_back_than_are_reserved() {
    let booked = [opened(3, 0), taken(2, 10, 12), given_back(1, 11, 12)];
    let cases = [
        (rooms(2, 10, 12), 11),
        (rooms(3, 10, 11), 10),
        (rooms(1, 11, 14), 12),
    ];
    for (given_back, night) in cases {
        given::<RoomInventory>(booked.clone())
            .when(Command::Release(given_back))
            .refused(Rejection::NotReserved(june(night)));
    }
}

#[test]
fn a_room_type_gets_more_rooms_or_fewer() {
    for (count, allowance) in [(3, 0), (1, 0), (0, 0), (2, 5)] {
        given::<RoomInventory>([opened(2, 0)])
            .when(resize(count, allowance))
            .then([resized(count, allowance)]);
    }
    let state = after::<RoomInventory>(&[opened(2, 0), resized(3, 5)]);
    assert_eq!((state.count, state.bookable()), (3, 8));
}

#[test]
fn a_room_type_that_stays_as_it_is_changes_nothing() {
    // Not even when a night is overbooked.
    given::<RoomInventory>([opened(2, 1), taken(3, 10, 11)])
        .when(resize(2, 1))
        .then([]);
}

#[test]
fn rooms_that_are_reserved_from_today_on_can_not_be_taken_away() {
    let refusal = |day, reserved| {
        Err(Rejection::RoomsReserved {
            date: june(day),
            reserved,
        })
    };
    let booked = [
        opened(4, 2),
        taken(4, 8, 10),
        taken(2, 10, 12),
        taken(1, 11, 13),
    ];
    let cases = [
        // (count, allowance) after (4, 2), today being the 10th: the nights are 2, 3, 1.
        ((3, 2), Ok(vec![resized(3, 2)])),
        ((3, 0), Ok(vec![resized(3, 0)])),
        ((2, 2), refusal(11, 3)),
        ((1, 2), refusal(10, 2)),
        // An allowance is no substitute for rooms that are promised.
        ((2, 100), refusal(11, 3)),
        ((4, 0), Ok(vec![resized(4, 0)])),
    ];
    for ((count, allowance), expected) in cases {
        let answer = given::<RoomInventory>(booked.clone())
            .when(resize(count, allowance))
            .result();
        assert_eq!(answer, expected, "{count} rooms, allowance {allowance}");
    }
}

#[test]
fn an_allowance_that_is_used_can_not_be_taken_away() {
    let refusal = Err(Rejection::RoomsReserved {
        date: june(10),
        reserved: 3,
    });
    let cases = [
        // (count, allowance) after (2, 2), with 3 rooms reserved tonight.
        ((2, 1), Ok(vec![resized(2, 1)])),
        ((2, 0), refusal.clone()),
        ((3, 0), Ok(vec![resized(3, 0)])),
        ((3, 1), Ok(vec![resized(3, 1)])),
        ((1, 3), refusal),
    ];
    for ((count, allowance), expected) in cases {
        let answer = given::<RoomInventory>([opened(2, 2), taken(3, 10, 11)])
            .when(resize(count, allowance))
            .result();
        assert_eq!(answer, expected, "{count} rooms, allowance {allowance}");
    }
}

#[test]
fn an_allowance_shrinks_to_what_is_used_and_no_further() {
    for (reserved, taken_away) in [(5, true), (6, false)] {
        let answer = given::<RoomInventory>([opened(3, 3), taken(reserved, 10, 11)])
            .when(resize(3, 2))
            .result();
        assert_eq!(answer.is_ok(), taken_away, "{reserved} rooms reserved");
    }
}

#[test]
fn a_room_type_goes_when_no_room_is_reserved_from_today_on() {
    given::<RoomInventory>([opened(2, 0), taken(2, 8, 10)])
        .when(close())
        .then([Event::InventoryClosed {}]);
    given::<RoomInventory>([opened(2, 0), taken(1, 10, 11)])
        .when(close())
        .refused(Rejection::RoomsReserved {
            date: june(10),
            reserved: 1,
        });
}

#[test]
fn each_room_type_of_each_hotel_has_a_stream_of_its_own() {
    let ids = [
        inventory_id(HOTEL, "DBL"),
        inventory_id(HOTEL, "STE"),
        inventory_id(id(2), "DBL"),
    ];
    assert_eq!(ids[0], inventory_id(HOTEL, "DBL"));
    assert!(ids[0] != ids[1] && ids[0] != ids[2] && ids[1] != ids[2]);
}

#[test]
fn every_refusal_has_its_kind_code_and_sentence() {
    assert_refusals(&[
        (
            Rejection::Closed,
            Kind::Invalid("/room_type"),
            "validation",
            "the hotel has no such room type",
        ),
        (
            Rejection::AlreadyOpen,
            Kind::Refused,
            "room-type-exists",
            "the room type is offered already",
        ),
        (
            Rejection::NoRoomAvailable(vec![short(10, 0), short(11, 1)]),
            Kind::Refused,
            "no-room-available",
            "no room is available for 2 of the nights",
        ),
        (
            Rejection::RoomsReserved {
                date: june(10),
                reserved: 3,
            },
            Kind::Refused,
            "rooms-reserved",
            "3 rooms are reserved for the night of 2030-06-10",
        ),
        (
            Rejection::NotReserved(june(10)),
            Kind::Refused,
            "rooms-not-reserved",
            "fewer rooms are reserved for the night of 2030-06-10 than are given back",
        ),
    ]);
}

#[test]
fn a_client_is_told_which_nights_are_short_and_which_is_reserved() {
    let short_nights = Rejection::NoRoomAvailable(vec![short(10, 0), short(11, 1)]);
    assert_eq!(
        short_nights.verdict().details,
        json!({"nights": [
            {"date": "2030-06-10", "available": 0},
            {"date": "2030-06-11", "available": 1},
        ]})
    );
    let rooms_reserved = Rejection::RoomsReserved {
        date: june(10),
        reserved: 3,
    };
    assert_eq!(
        rooms_reserved.verdict().details,
        json!({"date": "2030-06-10", "reserved": 3})
    );
}
