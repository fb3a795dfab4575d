use domain::hotels::hotel::Details;
use domain::hotels::reservation::{Rejection, Status};

use super::{FIRST, HOTEL_ONLY, SECOND, double, doubles, to};
use crate::support::{admin, guest, hotelier, noon, other_guest, small_hotel, stay};
use crate::world::World;

/// A guest came on June 10 for three nights in both double rooms.
fn staying_at(details: &Details) -> World {
    let mut world = World::with_hotel(details);
    world.book(&guest(), FIRST, doubles(2, stay(10, 13))).done();
    world.now = noon(10);
    world.check_in(&hotelier(), FIRST).done();
    world
}

fn staying() -> World {
    staying_at(&small_hotel())
}

#[test]
fn who_leaves_early_gives_back_the_nights_from_that_day_on() {
    let released = &["GuestsCheckedOut", "RoomsReleased"][..];
    let kept = &["GuestsCheckedOut"][..];
    let cases = [
        (10, released, vec![]),
        (11, released, vec![(10, 2)]),
        (12, released, vec![(10, 2), (11, 2)]),
        (13, kept, vec![(10, 2), (11, 2), (12, 2)]),
        (14, kept, vec![(10, 2), (11, 2), (12, 2)]),
    ];
    for (day, events, reserved) in cases {
        let mut world = staying();
        world.now = noon(day);
        world.check_out(&hotelier(), FIRST).recorded(events);
        assert_eq!(world.reserved("DBL"), reserved, "on June {day}");
        assert_eq!(world.reservation(FIRST).status, Status::CheckedOut);
    }
}

#[test]
fn the_nights_given_back_can_be_booked_the_same_day() {
    let mut world = staying();
    world.now = noon(11);
    world.check_out(&hotelier(), FIRST).done();
    world
        .book(&other_guest(), SECOND, doubles(2, stay(11, 13)))
        .done();
}

#[test]
fn the_day_is_that_of_the_hotel() {
    // At noon UTC on the 11th the 12th begins in Auckland, where guests left on the 11th.
    let mut world = staying_at(&Details {
        time_zone: chrono_tz::Pacific::Auckland,
        ..small_hotel()
    });
    world.now = noon(11);
    world.check_out(&hotelier(), FIRST).done();
    assert_eq!(world.reserved("DBL"), [(10, 2), (11, 2)]);
}

#[test]
fn guests_leave_once() {
    let mut world = staying();
    world.now = noon(11);
    world.check_out(&hotelier(), FIRST).done();
    world.now = noon(12);
    world.check_out(&hotelier(), FIRST).nothing();
    assert_eq!(world.reserved("DBL"), [(10, 2)]);
}

#[test]
fn a_stay_that_was_shortened_gives_back_what_is_left_of_it() {
    let mut world = staying();
    world
        .change(&guest(), FIRST, to(doubles(2, stay(10, 12))))
        .done();
    world.now = noon(11);
    world.check_out(&hotelier(), FIRST).done();
    assert_eq!(world.reserved("DBL"), [(10, 2)]);
}

#[test]
fn who_never_came_can_not_leave() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, double(stay(10, 13))).done();
    world
        .check_out(&hotelier(), FIRST)
        .refused(Rejection::WrongStatus(Status::Confirmed.into()));
    world
        .check_out(&admin(), SECOND)
        .refused(Rejection::Unknown);
}

#[test]
fn only_those_who_run_the_hotel_check_guests_out() {
    HOTEL_ONLY.check(|actor| staying().check_out(actor, FIRST).permitted());
}
