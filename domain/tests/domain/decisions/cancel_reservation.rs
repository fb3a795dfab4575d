use domain::hotels::reservation::{Rejection, Status};

use super::{FIRST, GUEST_OR_HOTEL, SECOND, double, doubles, suite, to};
use crate::support::{admin, guest, hotelier, noon, other_guest, small_hotel, stay};
use crate::world::World;

/// The guest has both double rooms from the 10th to the 13th.
fn booked() -> World {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, doubles(2, stay(10, 13))).done();
    world
}

#[test]
fn every_night_is_given_back() {
    let mut world = booked();
    let cancelled = world.cancel(&guest(), FIRST);
    cancelled.recorded(&["ReservationCancelled", "RoomsReleased"]);
    assert_eq!(world.reserved("DBL"), []);
    assert_eq!(world.reservation(FIRST).status, Status::Cancelled);
    world
        .book(&other_guest(), SECOND, doubles(2, stay(10, 13)))
        .done();
}

#[test]
fn the_nights_of_others_are_not() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, double(stay(10, 13))).done();
    world
        .book(&other_guest(), SECOND, double(stay(11, 12)))
        .done();
    world.cancel(&guest(), FIRST).done();
    assert_eq!(world.reserved("DBL"), [(11, 1)]);
}

#[test]
fn the_rooms_that_a_change_left_are_those_given_back() {
    let mut world = booked();
    world
        .change(&guest(), FIRST, to(suite(stay(11, 12))))
        .done();
    world.cancel(&guest(), FIRST).done();
    assert_eq!(world.reserved("DBL"), []);
    assert_eq!(world.reserved("STE"), []);
}

#[test]
fn a_reservation_is_cancelled_once() {
    let mut world = booked();
    world.cancel(&guest(), FIRST).done();
    world.cancel(&guest(), FIRST).nothing();
    world.cancel(&hotelier(), FIRST).nothing();
}

#[test]
fn guests_who_have_come_can_not_cancel() {
    let mut world = booked();
    world.now = noon(10);
    world.check_in(&hotelier(), FIRST).done();
    world
        .cancel(&guest(), FIRST)
        .refused(Rejection::WrongStatus(Status::CheckedIn.into()));
    assert_eq!(world.reserved("DBL"), [(10, 2), (11, 2), (12, 2)]);
}

#[test]
fn the_guest_the_hotelier_and_an_admin_may_cancel_it() {
    GUEST_OR_HOTEL.check(|actor| booked().cancel(actor, FIRST).permitted());
}

#[test]
fn what_was_never_booked_can_not_be_cancelled() {
    booked()
        .cancel(&guest(), SECOND)
        .refused(Rejection::Unknown);
}

#[test]
fn those_whom_it_concerned_can_still_cancel_when_the_hotel_has_gone() {
    for (actor, may) in [(guest(), true), (admin(), true), (hotelier(), true)] {
        let mut world = booked();
        // Nobody came and nobody said so.
        world.now = noon(13);
        world.delete_hotel(&hotelier()).done();
        assert_eq!(world.cancel(&actor, FIRST).permitted(), may, "{actor:?}");
        assert_eq!(world.reserved("DBL").is_empty(), may);
    }
}
