use domain::hotels::hotel::{self, Details, Hotel};
use domain::hotels::inventory::Rejection;

use super::{FIRST, HOTEL_ONLY, SECOND, double, doubles, suite};
use crate::support::{
    HOTEL, HOTELIER, admin, guest, hotelier, june, noon, other_guest, room_type, small_hotel, stay,
};
use crate::world::World;

fn with_doubles(count: u32, overbooking_allowance: u32) -> Details {
    let mut details = small_hotel();
    details.room_types[0].count = count;
    details.overbooking_allowance = overbooking_allowance;
    details
}

fn without_suite() -> Details {
    let mut details = small_hotel();
    details.room_types.truncate(1);
    details
}

fn rooms_reserved(day: u32, reserved: u32) -> Rejection {
    Rejection::RoomsReserved {
        date: june(day),
        reserved,
    }
}

#[test]
fn a_new_name_touches_no_room() {
    let mut world = World::with_hotel(&small_hotel());
    let renamed = Details {
        name: "La Teranga".to_owned(),
        ..small_hotel()
    };
    world
        .change_hotel(&hotelier(), &renamed)
        .recorded(&["HotelChanged"]);
    assert_eq!(world.state::<Hotel>(HOTEL).open(), Ok((HOTELIER, &renamed)));
}

#[test]
fn a_change_asked_for_twice_is_made_once() {
    let mut world = World::with_hotel(&small_hotel());
    world.change_hotel(&hotelier(), &with_doubles(3, 1)).done();
    world
        .change_hotel(&hotelier(), &with_doubles(3, 1))
        .nothing();
}

#[test]
fn more_rooms_can_be_booked_at_once() {
    let mut world = World::with_hotel(&small_hotel());
    world
        .change_hotel(&hotelier(), &with_doubles(3, 0))
        .recorded(&["HotelChanged", "InventoryResized"]);
    world.book(&guest(), FIRST, doubles(3, stay(10, 11))).done();
}

#[test]
fn an_allowance_counts_for_every_room_type() {
    let mut world = World::with_hotel(&small_hotel());
    world
        .change_hotel(&hotelier(), &with_doubles(2, 1))
        .recorded(&["HotelChanged", "InventoryResized", "InventoryResized"]);
    world.book(&guest(), FIRST, suite(stay(10, 11))).done();
    world
        .book(&other_guest(), SECOND, suite(stay(10, 11)))
        .done();
}

#[test]
fn rooms_that_are_reserved_can_not_be_taken_away() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, doubles(2, stay(10, 12))).done();
    for allowance in [0, 5] {
        world
            .change_hotel(&hotelier(), &with_doubles(1, allowance))
            .refused(rooms_reserved(10, 2));
    }
    assert_eq!(
        world.state::<Hotel>(HOTEL).open(),
        Ok((HOTELIER, &small_hotel()))
    );
    world.cancel(&guest(), FIRST).done();
    world.change_hotel(&hotelier(), &with_doubles(1, 0)).done();
}

#[test]
fn an_allowance_that_is_used_can_not_be_taken_away() {
    let mut world = World::with_hotel(&with_doubles(2, 1));
    world.book(&guest(), FIRST, doubles(3, stay(10, 11))).done();
    world
        .change_hotel(&hotelier(), &with_doubles(2, 0))
        .refused(rooms_reserved(10, 3));
    world.change_hotel(&hotelier(), &with_doubles(3, 0)).done();
}

#[test]
fn nights_that_have_passed_no_longer_count() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, doubles(2, stay(10, 12))).done();
    world.now = noon(11);
    world
        .change_hotel(&hotelier(), &with_doubles(1, 0))
        .refused(rooms_reserved(11, 2));
    world.now = noon(12);
    world.change_hotel(&hotelier(), &with_doubles(1, 0)).done();
}

#[test]
fn nights_pass_by_the_calendar_of_the_hotel() {
    // At noon UTC on the 11th the night of the 11th is over in Auckland, where the 12th begins.
    let in_auckland = |details| Details {
        time_zone: chrono_tz::Pacific::Auckland,
        ..details
    };
    let mut world = World::with_hotel(&in_auckland(small_hotel()));
    world.book(&guest(), FIRST, doubles(2, stay(10, 12))).done();
    world.now = noon(11);
    let fewer = in_auckland(with_doubles(1, 0));
    world.change_hotel(&hotelier(), &fewer).done();
}

#[test]
fn a_room_type_comes_and_goes() {
    let mut world = World::with_hotel(&small_hotel());
    world
        .change_hotel(&hotelier(), &without_suite())
        .recorded(&["HotelChanged", "InventoryClosed"]);
    world
        .book(&guest(), FIRST, suite(stay(10, 11)))
        .refused(hotel::Rejection::UnknownRoomType);
    world
        .change_hotel(&hotelier(), &small_hotel())
        .recorded(&["HotelChanged", "InventoryOpened"]);
    world.book(&guest(), FIRST, suite(stay(10, 11))).done();
}

#[test]
fn a_room_type_with_a_reservation_to_come_can_not_go() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, suite(stay(10, 12))).done();
    world
        .change_hotel(&hotelier(), &without_suite())
        .refused(rooms_reserved(10, 1));
    world.now = noon(12);
    world.change_hotel(&hotelier(), &without_suite()).done();
}

#[test]
fn another_code_is_another_room_type() {
    let mut world = World::with_hotel(&small_hotel());
    let mut recoded = small_hotel();
    recoded.room_types[1] = room_type("JNR", 4, 1, 200);
    world.change_hotel(&hotelier(), &recoded).recorded(&[
        "HotelChanged",
        "InventoryClosed",
        "InventoryOpened",
    ]);
}

#[test]
fn a_hotel_that_takes_no_reservations_takes_them_again_when_it_is_active() {
    let mut world = World::with_hotel(&small_hotel());
    let closed = Details {
        is_active: false,
        ..small_hotel()
    };
    world.change_hotel(&hotelier(), &closed).done();
    world
        .book(&guest(), FIRST, double(stay(10, 11)))
        .refused(hotel::Rejection::Inactive);
    world.change_hotel(&hotelier(), &small_hotel()).done();
    world.book(&guest(), FIRST, double(stay(10, 11))).done();
}

#[test]
fn only_those_who_run_the_hotel_change_it() {
    HOTEL_ONLY.check(|actor| {
        World::with_hotel(&small_hotel())
            .change_hotel(actor, &with_doubles(3, 0))
            .permitted()
    });
}

#[test]
fn what_can_never_be_right_or_is_not_there_is_refused() {
    World::empty()
        .change_hotel(&admin(), &small_hotel())
        .refused(hotel::Rejection::Unknown);
    let mut details = small_hotel();
    details.room_types.clear();
    World::with_hotel(&small_hotel())
        .change_hotel(&hotelier(), &details)
        .refused(hotel::Rejection::Invalid(
            "/room_types",
            "a hotel has 1 to 50 room types",
        ));
}
