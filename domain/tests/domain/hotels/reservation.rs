use chrono::{Days, NaiveDate};
use domain::decider::Kind;
use domain::hotels::reservation::{
    Command, Event, Guests, MAX_DAYS_AHEAD, MAX_GUESTS, MAX_ROOMS, Rejection, Reservation, Status,
    Terms, booked,
};
use domain::hotels::stay::{InvalidStay, Stay};
use strum::IntoEnumIterator;

use crate::support::{GUEST, HOTEL, after, assert_refusals, euros, given, june, stay};

const COUPLE: Guests = guests(2, 0);

const fn guests(adults: u32, children: u32) -> Guests {
    Guests { adults, children }
}

/// One room for two, June 10 to 13.
fn terms() -> Terms {
    Terms {
        room_type: "DBL".to_owned(),
        stay: stay(10, 13),
        rooms: 1,
        price_per_night: euros(80),
        total: euros(240),
    }
}

fn terms_for(stay: Stay) -> Terms {
    Terms { stay, ..terms() }
}

fn rooms(rooms: u32) -> Terms {
    Terms { rooms, ..terms() }
}

fn book(terms: Terms, guests: Guests, today: NaiveDate) -> Command {
    Command::Book {
        hotel_id: HOTEL,
        booked_by: GUEST,
        terms,
        guests,
        room_capacity: 2,
        today,
    }
}

fn change(terms: Terms, today: u32) -> Command {
    Command::Change {
        terms,
        room_capacity: 2,
        today: june(today),
    }
}

fn was_booked(terms: Terms, guests: Guests) -> Event {
    Event::ReservationBooked {
        hotel_id: HOTEL,
        booked_by: GUEST,
        terms,
        guests,
    }
}

fn changed(terms: Terms) -> Event {
    Event::ReservationChanged { terms }
}

/// A reservation from June 10 to 13 that has come to `status`.
fn that_is(status: Status) -> Vec<Event> {
    let arrived = Event::GuestsCheckedIn { on: june(10) };
    let since = match status {
        Status::Confirmed => vec![],
        Status::CheckedIn => vec![arrived],
        Status::CheckedOut => vec![arrived, Event::GuestsCheckedOut { on: june(12) }],
        Status::Cancelled => vec![Event::ReservationCancelled {}],
        Status::NoShow => vec![Event::NoShowDeclared { on: june(10) }],
    };
    [vec![was_booked(terms(), COUPLE)], since].concat()
}

#[test]
fn a_reservation_is_booked() {
    given::<Reservation>([])
        .when(book(terms(), COUPLE, june(1)))
        .then([was_booked(terms(), COUPLE)]);
}

#[test]
fn a_reservation_is_booked_once_only() {
    for status in Status::iter() {
        given::<Reservation>(that_is(status))
            .when(book(terms(), COUPLE, june(1)))
            .refused(Rejection::Exists);
    }
}

#[test]
fn what_its_events_add_up_to() {
    for status in Status::iter() {
        let state = after::<Reservation>(&that_is(status));
        let held = booked(&state).unwrap();
        assert_eq!((held.hotel_id, held.booked_by), (HOTEL, GUEST));
        assert_eq!((&held.terms, held.guests), (&terms(), COUPLE));
        assert_eq!(held.status, status);
    }
    let moved = [was_booked(terms(), COUPLE), changed(rooms(2))];
    let state = after::<Reservation>(&moved);
    assert_eq!(booked(&state).unwrap().terms, rooms(2));
}

#[test]
fn what_was_never_booked_stays_unknown() {
    let orphan = after::<Reservation>(&[Event::ReservationCancelled {}]);
    assert_eq!(booked(&orphan), Err(Rejection::Unknown));
    let today = june(10);
    for command in [
        change(terms(), 1),
        Command::Cancel,
        Command::CheckIn { today },
        Command::CheckOut { today },
        Command::DeclareNoShow { today },
    ] {
        given::<Reservation>([])
            .when(command)
            .refused(Rejection::Unknown);
    }
}

#[test]
fn a_booking_has_rooms_and_guests_within_reason() {
    let cases = [
        (rooms(0), COUPLE, Err(Rejection::Rooms)),
        (rooms(1), guests(1, 0), Ok(())),
        (rooms(MAX_ROOMS), COUPLE, Ok(())),
        (rooms(MAX_ROOMS + 1), COUPLE, Err(Rejection::Rooms)),
        (terms(), guests(0, 0), Err(Rejection::Guests)),
        (terms(), guests(0, 1), Ok(())),
        (
            rooms(MAX_ROOMS),
            guests(MAX_GUESTS + 1, 0),
            Err(Rejection::Guests),
        ),
        (
            rooms(MAX_ROOMS),
            guests(1, MAX_GUESTS + 1),
            Err(Rejection::Guests),
        ),
        (
            rooms(MAX_ROOMS),
            guests(u32::MAX, u32::MAX),
            Err(Rejection::Guests),
        ),
    ];
    for (terms, guests, expected) in cases {
        let answer = given::<Reservation>([])
            .when(book(terms.clone(), guests, june(1)))
            .result();
        let expected = expected.map(|()| vec![was_booked(terms.clone(), guests)]);
        assert_eq!(answer, expected, "{} rooms for {guests:?}", terms.rooms);
    }
}

#[test]
fn children_take_a_place_as_adults_do() {
    let too_many = |guests, rooms| {
        Err(Rejection::TooManyGuests {
            guests,
            rooms,
            capacity: 2,
        })
    };
    let cases = [
        (1, guests(2, 0), Ok(())),
        (1, guests(1, 1), Ok(())),
        (1, guests(2, 1), too_many(3, 1)),
        (2, guests(2, 2), Ok(())),
        (2, guests(3, 2), too_many(5, 2)),
        (
            MAX_ROOMS,
            guests(MAX_GUESTS, MAX_GUESTS),
            too_many(20_000, MAX_ROOMS),
        ),
    ];
    for (number, guests, expected) in cases {
        let answer = given::<Reservation>([])
            .when(book(rooms(number), guests, june(1)))
            .result();
        let expected = expected.map(|()| vec![was_booked(rooms(number), guests)]);
        assert_eq!(answer, expected, "{number} rooms for {guests:?}");
    }
}

#[test]
fn a_stay_begins_today_or_within_five_years() {
    assert_eq!(MAX_DAYS_AHEAD, 1_830);
    let latest = june(10) + Days::new(MAX_DAYS_AHEAD);
    let one_night = |check_in: NaiveDate| Stay::parse(check_in, check_in + Days::new(1)).unwrap();
    let past = Rejection::CheckInPast {
        check_in: june(9),
        today: june(10),
    };
    let cases = [
        (june(9), Err(past)),
        (june(10), Ok(())),
        (latest, Ok(())),
        (latest + Days::new(1), Err(Rejection::TooFarAhead)),
    ];
    for (check_in, expected) in cases {
        let terms = terms_for(one_night(check_in));
        let answer = given::<Reservation>([])
            .when(book(terms.clone(), COUPLE, june(10)))
            .result();
        let expected = expected.map(|()| vec![was_booked(terms, COUPLE)]);
        assert_eq!(answer, expected, "check-in on {check_in}");
    }
}

#[test]
fn what_can_never_be_right_is_told_before_what_is_so_today() {
    given::<Reservation>([])
        .when(book(rooms(0), guests(9, 0), june(20)))
        .refused(Rejection::Rooms);
    given::<Reservation>(that_is(Status::Cancelled))
        .when(change(rooms(0), 1))
        .refused(Rejection::Rooms);
}

/// The state table: every request in every status, on June 11 of a stay from the 10th to the 13th.
#[test]
fn where_a_reservation_stands_says_what_may_be_done() {
    let today = june(11);
    let outcome =
        |status, command| match given::<Reservation>(that_is(status)).when(command).result() {
            Ok(events) => format!("{events:?}"),
            Err(rejection) => rejection.to_string(),
        };
    let changed = format!("{:?}", [changed(terms_for(stay(10, 14)))]);
    let cancelled = "[ReservationCancelled]";
    let checked_in = "[GuestsCheckedIn { on: 2030-06-11 }]";
    let checked_out = "[GuestsCheckedOut { on: 2030-06-11 }]";
    let no_show = "[NoShowDeclared { on: 2030-06-11 }]";
    let is = |status: &str| format!("the reservation is {status}");
    let nothing = "[]";
    #[rustfmt::skip]
    let table: [(Status, [&str; 5]); 5] = [
        // status             change                cancel                check in              check out             no-show
        (Status::Confirmed,  [&changed,             cancelled,            checked_in,           &is("confirmed"),     no_show]),
        (Status::CheckedIn,  [&changed,             &is("checked_in"),    nothing,              checked_out,          &is("checked_in")]),
        (Status::CheckedOut, [&is("checked_out"),   &is("checked_out"),   &is("checked_out"),   nothing,              &is("checked_out")]),
        (Status::Cancelled,  [&is("cancelled"),     nothing,              &is("cancelled"),     &is("cancelled"),     &is("cancelled")]),
        (Status::NoShow,     [&is("no_show"),       &is("no_show"),       &is("no_show"),       &is("no_show"),       nothing]),
    ];
    for (status, expected) in table {
        let requests = [
            change(terms_for(stay(10, 14)), 11),
            Command::Cancel,
            Command::CheckIn { today },
            Command::CheckOut { today },
            Command::DeclareNoShow { today },
        ];
        for (request, expected) in requests.into_iter().zip(expected) {
            let asked = format!("{request:?}");
            assert_eq!(outcome(status, request), expected, "{status:?}: {asked}");
        }
    }
}

#[test]
fn guests_check_in_from_the_first_day_to_the_last_night() {
    let arrives = |day| Ok(vec![Event::GuestsCheckedIn { on: june(day) }]);
    let cases = [
        (9, Err(Rejection::TooEarly(june(10)))),
        (10, arrives(10)),
        (12, arrives(12)),
        (13, Err(Rejection::StayOver(june(13)))),
        (14, Err(Rejection::StayOver(june(13)))),
    ];
    for (day, expected) in cases {
        let answer = given::<Reservation>(that_is(Status::Confirmed))
            .when(Command::CheckIn { today: june(day) })
            .result();
        assert_eq!(answer, expected, "on June {day}");
    }
}

#[test]
fn guests_are_missed_from_the_day_of_check_in_on() {
    let missed = |day| Ok(vec![Event::NoShowDeclared { on: june(day) }]);
    let cases = [
        (9, Err(Rejection::TooEarly(june(10)))),
        (10, missed(10)),
        (20, missed(20)),
    ];
    for (day, expected) in cases {
        let answer = given::<Reservation>(that_is(Status::Confirmed))
            .when(Command::DeclareNoShow { today: june(day) })
            .result();
        assert_eq!(answer, expected, "on June {day}");
    }
}

#[test]
fn guests_may_leave_after_their_last_night() {
    given::<Reservation>(that_is(Status::CheckedIn))
        .when(Command::CheckOut { today: june(15) })
        .then([Event::GuestsCheckedOut { on: june(15) }]);
}

#[test]
fn a_reservation_changes_within_the_rules_of_a_booking() {
    let past = Rejection::CheckInPast {
        check_in: june(4),
        today: june(5),
    };
    let far = june(5) + Days::new(MAX_DAYS_AHEAD + 1);
    let far = Stay::parse(far, far + Days::new(1)).unwrap();
    let suite = Terms {
        room_type: "STE".to_owned(),
        ..terms()
    };
    let cases = [
        (rooms(2), Ok(())),
        (suite, Ok(())),
        (terms_for(stay(5, 6)), Ok(())),
        (terms_for(stay(4, 6)), Err(past)),
        (terms_for(far), Err(Rejection::TooFarAhead)),
        (rooms(0), Err(Rejection::Rooms)),
        (rooms(MAX_ROOMS + 1), Err(Rejection::Rooms)),
    ];
    for (wanted, expected) in cases {
        let answer = given::<Reservation>(that_is(Status::Confirmed))
            .when(change(wanted.clone(), 5))
            .result();
        let expected = expected.map(|()| vec![changed(wanted.clone())]);
        assert_eq!(answer, expected, "{wanted:?}");
    }
}

#[test]
fn a_change_to_what_is_booked_changes_nothing() {
    for status in [Status::Confirmed, Status::CheckedIn] {
        given::<Reservation>(that_is(status))
            .when(change(terms(), 5))
            .then([]);
    }
}

#[test]
fn the_guests_must_fit_into_what_is_wanted_instead() {
    let family = was_booked(rooms(2), guests(2, 2));
    given::<Reservation>([family])
        .when(change(rooms(1), 5))
        .refused(Rejection::TooManyGuests {
            guests: 4,
            rooms: 1,
            capacity: 2,
        });
}

#[test]
fn a_late_guest_may_still_change_the_end_of_the_stay() {
    given::<Reservation>(that_is(Status::Confirmed))
        .when(change(terms_for(stay(10, 15)), 12))
        .then([changed(terms_for(stay(10, 15)))]);
}

#[test]
fn once_the_stay_has_begun_only_its_end_can_move_to_a_day_after_today() {
    let suite = Terms {
        room_type: "STE".to_owned(),
        ..terms()
    };
    let cases = [
        (terms_for(stay(10, 15)), Ok(())),
        (terms_for(stay(10, 12)), Ok(())),
        (terms_for(stay(10, 11)), Err(Rejection::StayBegun)),
        (terms_for(stay(11, 13)), Err(Rejection::StayBegun)),
        (terms_for(stay(9, 13)), Err(Rejection::StayBegun)),
        (rooms(2), Err(Rejection::StayBegun)),
        (suite, Err(Rejection::StayBegun)),
    ];
    for (wanted, expected) in cases {
        let answer = given::<Reservation>(that_is(Status::CheckedIn))
            .when(change(wanted.clone(), 11))
            .result();
        let expected = expected.map(|()| vec![changed(wanted.clone())]);
        assert_eq!(answer, expected, "{wanted:?}");
    }
}

#[test]
fn every_refusal_has_its_kind_code_and_sentence() {
    use Kind::{Forbidden, Invalid, Refused, Unknown};
    assert_refusals(&[
        (
            Rejection::Unknown,
            Unknown,
            "reservation-unknown",
            "there is no such reservation",
        ),
        (
            Rejection::Exists,
            Refused,
            "reservation-exists",
            "the reservation exists already",
        ),
        (
            Rejection::NotYours,
            Forbidden,
            "forbidden",
            "the reservation is another account's",
        ),
        (
            Rejection::Stay(InvalidStay::NoNight),
            Invalid("/check_out"),
            "validation",
            "a stay has one night at least: check-out comes after check-in",
        ),
        (
            Rejection::Stay(InvalidStay::TooLong),
            Invalid("/check_out"),
            "validation",
            "a stay has 366 nights at most",
        ),
        (
            Rejection::Rooms,
            Invalid("/rooms"),
            "validation",
            "a reservation has 1 to 1000 rooms",
        ),
        (
            Rejection::Guests,
            Invalid("/adults"),
            "validation",
            "a reservation has one guest at least, and 10000 adults or children at most",
        ),
        (
            Rejection::TooFarAhead,
            Invalid("/check_in"),
            "validation",
            "a stay begins within five years",
        ),
        (
            Rejection::TooDear,
            Invalid("/rooms"),
            "validation",
            "the stay costs more than can be charged",
        ),
        (
            Rejection::CheckInPast {
                check_in: june(9),
                today: june(10),
            },
            Refused,
            "check-in-past",
            "check-in on 2030-06-09 is in the past: today is 2030-06-10 at the hotel",
        ),
        (
            Rejection::TooManyGuests {
                guests: 3,
                rooms: 1,
                capacity: 2,
            },
            Refused,
            "too-many-guests",
            "3 guests do not fit into 1 rooms for 2 each",
        ),
        (
            Rejection::WrongStatus("no_show"),
            Refused,
            "reservation-status",
            "the reservation is no_show",
        ),
        (
            Rejection::StayBegun,
            Refused,
            "stay-begun",
            "the stay has begun: only its check-out can be moved, to a day after today",
        ),
        (
            Rejection::TooEarly(june(10)),
            Refused,
            "check-in-too-early",
            "check-in is on 2030-06-10, not before",
        ),
        (
            Rejection::StayOver(june(13)),
            Refused,
            "stay-over",
            "the stay ended on 2030-06-13",
        ),
    ]);
}
