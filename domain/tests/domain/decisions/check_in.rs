use domain::hotels::hotel::Details;
use domain::hotels::reservation::{Rejection, Status};

use super::{FIRST, HOTEL_ONLY, SECOND, double};
use crate::support::{admin, guest, hotelier, june, noon, small_hotel, stay};
use crate::world::World;

/// It is June 10, the first day of a guest's stay of three nights.
fn arrival(details: &Details) -> World {
    let mut world = World::with_hotel(details);
    world.book(&guest(), FIRST, double(stay(10, 13))).done();
    world.now = noon(10);
    world
}

#[test]
fn guests_arrive() {
    let mut world = arrival(&small_hotel());
    world
        .check_in(&hotelier(), FIRST)
        .recorded(&["GuestsCheckedIn"]);
    assert_eq!(world.reservation(FIRST).status, Status::CheckedIn);
    assert_eq!(world.reserved("DBL"), [(10, 1), (11, 1), (12, 1)]);
}

#[test]
fn guests_arrive_once() {
    let mut world = arrival(&small_hotel());
    world.check_in(&hotelier(), FIRST).done();
    world.check_in(&hotelier(), FIRST).nothing();
}

#[test]
fn guests_arrive_during_their_stay_only() {
    let cases = [
        (9, Some(Rejection::TooEarly(june(10)))),
        (12, None),
        (13, Some(Rejection::StayOver(june(13)))),
    ];
    for (day, refusal) in cases {
        let mut world = arrival(&small_hotel());
        world.now = noon(day);
        let answer = world.check_in(&hotelier(), FIRST);
        match refusal {
            Some(refusal) => answer.refused(refusal),
            None => answer.done(),
        }
    }
}

#[test]
fn the_day_is_that_of_the_hotel() {
    // At noon UTC on the 9th the 10th begins in Auckland.
    let cases = [
        (chrono_tz::Pacific::Auckland, 9, None),
        (chrono_tz::UTC, 9, Some(Rejection::TooEarly(june(10)))),
        (
            chrono_tz::Pacific::Auckland,
            12,
            Some(Rejection::StayOver(june(13))),
        ),
        (chrono_tz::UTC, 12, None),
    ];
    for (time_zone, day, refusal) in cases {
        let mut world = arrival(&Details {
            time_zone,
            ..small_hotel()
        });
        world.now = noon(day);
        let answer = world.check_in(&hotelier(), FIRST);
        match refusal {
            Some(refusal) => answer.refused(refusal),
            None => answer.done(),
        }
    }
}

#[test]
fn only_those_who_run_the_hotel_check_guests_in() {
    HOTEL_ONLY.check(|actor| arrival(&small_hotel()).check_in(actor, FIRST).permitted());
}

#[test]
fn what_was_never_booked_can_not_be_checked_in() {
    let mut world = arrival(&small_hotel());
    world.check_in(&admin(), SECOND).refused(Rejection::Unknown);
}

#[test]
fn a_hotel_that_has_gone_still_closes_the_stays_that_are_over() {
    let mut world = arrival(&small_hotel());
    world.now = noon(13);
    world.delete_hotel(&hotelier()).done();
    let over = Rejection::StayOver(june(13));
    world.check_in(&admin(), FIRST).refused(over);
    world.no_show(&hotelier(), FIRST).done();
}
