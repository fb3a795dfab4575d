use domain::hotels::hotel::{self, Details, Hotel, State};
use domain::hotels::inventory::Rejection;

use super::{FIRST, HOTEL_ONLY, double, suite};
use crate::support::{HOTEL, admin, guest, hotelier, june, noon, small_hotel, stay};
use crate::world::World;

#[test]
fn a_hotel_goes_with_all_its_rooms() {
    let mut world = World::with_hotel(&small_hotel());
    world.delete_hotel(&hotelier()).recorded(&[
        "HotelDeleted",
        "InventoryClosed",
        "InventoryClosed",
    ]);
    assert!(matches!(world.state::<Hotel>(HOTEL), State::Deleted { .. }));
    assert!(!world.inventory("DBL").open && !world.inventory("STE").open);
}

#[test]
fn a_hotel_with_a_reservation_to_come_stays() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, suite(stay(10, 12))).done();
    world.now = noon(11);
    world
        .delete_hotel(&hotelier())
        .refused(Rejection::RoomsReserved {
            date: june(11),
            reserved: 1,
        });
    assert!(world.state::<Hotel>(HOTEL).open().is_ok());
    assert!(world.inventory("DBL").open);
}

#[test]
fn a_hotel_goes_once_its_last_night_has_passed_or_is_given_back() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, double(stay(10, 12))).done();
    world.now = noon(12);
    world.delete_hotel(&hotelier()).done();

    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, double(stay(10, 12))).done();
    world.cancel(&guest(), FIRST).done();
    world.delete_hotel(&hotelier()).done();
}

#[test]
fn nights_pass_by_the_calendar_of_the_hotel() {
    let mut world = World::with_hotel(&Details {
        time_zone: chrono_tz::Pacific::Auckland,
        ..small_hotel()
    });
    world.book(&guest(), FIRST, double(stay(10, 12))).done();
    world.now = noon(11);
    world.delete_hotel(&hotelier()).done();
}

#[test]
fn only_those_who_run_the_hotel_delete_it() {
    HOTEL_ONLY.check(|actor| {
        World::with_hotel(&small_hotel())
            .delete_hotel(actor)
            .permitted()
    });
}

#[test]
fn a_hotel_that_is_not_there_can_not_go() {
    World::empty()
        .delete_hotel(&admin())
        .refused(hotel::Rejection::Unknown);
    let mut world = World::with_hotel(&small_hotel());
    world.delete_hotel(&admin()).done();
    world
        .delete_hotel(&admin())
        .refused(hotel::Rejection::Unknown);
}
