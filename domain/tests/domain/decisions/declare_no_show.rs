use domain::hotels::hotel::Details;
use domain::hotels::reservation::{Rejection, Status};

use super::{FIRST, HOTEL_ONLY, SECOND, double, doubles};
use crate::support::{admin, guest, hotelier, june, noon, small_hotel, stay};
use crate::world::World;

/// It is June 10, the first day of a stay of three nights in both double rooms.
fn awaited_at(details: &Details) -> World {
    let mut world = World::with_hotel(details);
    world.book(&guest(), FIRST, doubles(2, stay(10, 13))).done();
    world.now = noon(10);
    world
}

fn awaited() -> World {
    awaited_at(&small_hotel())
}

#[test]
fn the_first_night_is_kept_and_the_others_are_given_back() {
    for day in [10, 12, 20] {
        let mut world = awaited();
        world.now = noon(day);
        let declared = world.no_show(&hotelier(), FIRST);
        declared.recorded(&["NoShowDeclared", "RoomsReleased"]);
        assert_eq!(world.reserved("DBL"), [(10, 2)], "on June {day}");
        assert_eq!(world.reservation(FIRST).status, Status::NoShow);
    }
}

#[test]
fn a_stay_of_one_night_gives_nothing_back() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, double(stay(10, 11))).done();
    world.now = noon(10);
    world
        .no_show(&hotelier(), FIRST)
        .recorded(&["NoShowDeclared"]);
    assert_eq!(world.reserved("DBL"), [(10, 1)]);
}

#[test]
fn nobody_is_missed_before_the_day_of_check_in() {
    let mut world = awaited();
    world.now = noon(9);
    world
        .no_show(&hotelier(), FIRST)
        .refused(Rejection::TooEarly(june(10)));
}

#[test]
fn the_day_is_that_of_the_hotel() {
    let mut world = awaited_at(&Details {
        time_zone: chrono_tz::Pacific::Auckland,
        ..small_hotel()
    });
    world.now = noon(9);
    world.no_show(&hotelier(), FIRST).done();
}

#[test]
fn guests_are_missed_once() {
    let mut world = awaited();
    world.no_show(&hotelier(), FIRST).done();
    world.no_show(&hotelier(), FIRST).nothing();
}

#[test]
fn guests_who_came_are_not_missed() {
    let mut world = awaited();
    world.check_in(&hotelier(), FIRST).done();
    world
        .no_show(&hotelier(), FIRST)
        .refused(Rejection::WrongStatus(Status::CheckedIn.into()));
}

#[test]
fn guests_who_were_missed_can_neither_come_nor_cancel() {
    let mut world = awaited();
    world.no_show(&hotelier(), FIRST).done();
    let no_show = || Rejection::WrongStatus(Status::NoShow.into());
    world.check_in(&hotelier(), FIRST).refused(no_show());
    world.cancel(&guest(), FIRST).refused(no_show());
    assert_eq!(world.reserved("DBL"), [(10, 2)]);
}

#[test]
fn only_those_who_run_the_hotel_declare_a_no_show() {
    HOTEL_ONLY.check(|actor| awaited().no_show(actor, FIRST).permitted());
}

#[test]
fn what_was_never_booked_is_no_no_show() {
    awaited()
        .no_show(&admin(), SECOND)
        .refused(Rejection::Unknown);
}
