use domain::decisions::book_room::Booking;
use domain::hotels::hotel::{self, Details};
use domain::hotels::reservation::{Guests, Rejection, Status};

use super::{FIRST, GUEST_OR_HOTEL, SECOND, double, doubles, short, suite, to};
use crate::support::{
    admin, euros, guest, hotelier, june, noon, other_guest, room_type, small_hotel, stay,
};
use crate::world::World;

/// The guest has one double room from the 10th to the 13th.
fn booked() -> World {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, double(stay(10, 13))).done();
    world
}

#[test]
fn a_reservation_moves_to_other_nights() {
    let mut world = booked();
    let total = world
        .change(&guest(), FIRST, to(double(stay(20, 22))))
        .done();
    assert_eq!(total, euros(160));
    assert_eq!(world.reserved("DBL"), [(20, 1), (21, 1)]);
    assert_eq!(world.reservation(FIRST).terms.stay, stay(20, 22));
}

#[test]
fn what_is_given_back_and_what_is_taken_is_one_decision() {
    booked()
        .change(&guest(), FIRST, to(double(stay(11, 14))))
        .recorded(&["ReservationChanged", "RoomsReleased", "RoomsReserved"]);
}

#[test]
fn a_longer_or_shorter_stay_takes_or_gives_back_just_the_nights_that_differ() {
    let mut world = booked();
    world
        .change(&guest(), FIRST, to(double(stay(10, 15))))
        .recorded(&["ReservationChanged", "RoomsReserved"]);
    assert_eq!(
        world.reserved("DBL"),
        [(10, 1), (11, 1), (12, 1), (13, 1), (14, 1)]
    );
    world
        .change(&guest(), FIRST, to(double(stay(10, 11))))
        .recorded(&["ReservationChanged", "RoomsReleased"]);
    assert_eq!(world.reserved("DBL"), [(10, 1)]);
}

#[test]
fn its_own_nights_never_stand_in_its_way() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, doubles(2, stay(10, 13))).done();
    world
        .change(&guest(), FIRST, to(doubles(2, stay(11, 14))))
        .done();
    assert_eq!(world.reserved("DBL"), [(11, 2), (12, 2), (13, 2)]);
}

#[test]
fn the_nights_of_others_do() {
    let mut world = booked();
    world
        .book(&other_guest(), SECOND, double(stay(12, 15)))
        .done();
    let wanted = to(doubles(2, stay(10, 14)));
    world
        .change(&guest(), FIRST, wanted)
        .refused(short(&[(12, 1), (13, 1)]));
    assert_eq!(world.reservation(FIRST).terms.stay, stay(10, 13));
    assert_eq!(
        world.reserved("DBL"),
        [(10, 1), (11, 1), (12, 2), (13, 1), (14, 1)]
    );
}

#[test]
fn a_reservation_moves_to_another_room_type_at_its_price() {
    let mut world = booked();
    let total = world
        .change(&guest(), FIRST, to(suite(stay(10, 13))))
        .done();
    assert_eq!(total, euros(600));
    assert_eq!(world.reserved("DBL"), []);
    assert_eq!(world.reserved("STE"), [(10, 1), (11, 1), (12, 1)]);
}

#[test]
fn a_room_type_that_is_full_keeps_the_reservation_where_it_was() {
    let mut world = booked();
    world
        .book(&other_guest(), SECOND, suite(stay(11, 12)))
        .done();
    world
        .change(&guest(), FIRST, to(suite(stay(10, 13))))
        .refused(short(&[(11, 0)]));
    assert_eq!(world.reserved("DBL"), [(10, 1), (11, 1), (12, 1)]);
}

#[test]
fn the_price_that_was_agreed_stays_while_the_room_type_does() {
    let mut world = booked();
    let mut dearer = small_hotel();
    for room_type in &mut dearer.room_types {
        room_type.price_per_night.amount *= 2;
    }
    world.change_hotel(&hotelier(), &dearer).done();
    let total = world
        .change(&guest(), FIRST, to(double(stay(10, 14))))
        .done();
    assert_eq!(total, euros(4 * 80));
    let total = world
        .change(&guest(), FIRST, to(suite(stay(10, 14))))
        .done();
    assert_eq!(total, euros(4 * 400));
}

#[test]
fn a_change_asked_for_twice_is_made_once() {
    let mut world = booked();
    let wanted = to(double(stay(10, 15)));
    world.change(&guest(), FIRST, wanted.clone()).done();
    let again = world.change(&guest(), FIRST, wanted);
    assert_eq!(again.answer.as_ref().ok(), Some(&euros(400)));
    again.nothing();
}

#[test]
fn a_stay_that_has_begun_and_is_prolonged_twice_is_prolonged_once() {
    let mut world = booked();
    world.now = noon(10);
    world.check_in(&hotelier(), FIRST).done();
    let wanted = to(double(stay(10, 15)));
    world.change(&guest(), FIRST, wanted.clone()).done();
    world.change(&guest(), FIRST, wanted).nothing();
}

#[test]
fn a_change_to_what_is_booked_is_no_change_even_if_the_rooms_have_become_smaller() {
    let mut world = booked();
    let mut smaller = small_hotel();
    smaller.room_types[0].capacity = 1;
    world.change_hotel(&hotelier(), &smaller).done();
    world
        .change(&guest(), FIRST, to(double(stay(10, 13))))
        .nothing();
}

#[test]
fn once_the_stay_has_begun_only_its_end_moves() {
    let mut world = booked();
    world.now = noon(11);
    world.check_in(&hotelier(), FIRST).done();
    for wanted in [
        double(stay(11, 13)),
        doubles(2, stay(10, 13)),
        suite(stay(10, 13)),
        double(stay(10, 11)),
    ] {
        world
            .change(&guest(), FIRST, to(wanted))
            .refused(Rejection::StayBegun);
    }
    world
        .change(&guest(), FIRST, to(double(stay(10, 12))))
        .done();
    assert_eq!(world.reserved("DBL"), [(10, 1), (11, 1)]);
    world
        .change(&guest(), FIRST, to(double(stay(10, 14))))
        .done();
    assert_eq!(world.reserved("DBL"), [(10, 1), (11, 1), (12, 1), (13, 1)]);
}

#[test]
fn nights_that_have_passed_do_not_stand_against_a_longer_stay() {
    // Both rooms were taken last night; today the hotel has one left, and one guest stays in it.
    let mut world = booked();
    world
        .book(&other_guest(), SECOND, double(stay(10, 11)))
        .done();
    world.now = noon(10);
    world.check_in(&hotelier(), FIRST).done();
    world.now = noon(11);
    let mut smaller = small_hotel();
    smaller.room_types[0].count = 1;
    world.change_hotel(&hotelier(), &smaller).done();
    world
        .change(&guest(), FIRST, to(double(stay(10, 14))))
        .done();
    assert_eq!(world.reserved("DBL"), [(10, 2), (11, 1), (12, 1), (13, 1)]);
}

#[test]
fn a_stay_that_is_over_changes_no_more() {
    let wanted = || to(double(stay(20, 22)));
    let mut world = booked();
    world.cancel(&guest(), FIRST).done();
    world
        .change(&guest(), FIRST, wanted())
        .refused(Rejection::WrongStatus(Status::Cancelled.into()));
    // Nor when nothing would change.
    world
        .change(&guest(), FIRST, to(double(stay(10, 13))))
        .refused(Rejection::WrongStatus(Status::Cancelled.into()));
}

#[test]
fn a_reservation_can_not_move_into_the_past() {
    let mut world = booked();
    world.now = noon(5);
    world
        .change(&guest(), FIRST, to(double(stay(4, 6))))
        .refused(Rejection::CheckInPast {
            check_in: june(4),
            today: june(5),
        });
    world.change(&guest(), FIRST, to(double(stay(5, 6)))).done();
}

#[test]
fn today_is_what_the_calendar_at_the_hotel_says() {
    let mut world = World::with_hotel(&Details {
        time_zone: chrono_tz::Pacific::Auckland,
        ..small_hotel()
    });
    world.book(&guest(), FIRST, double(stay(20, 22))).done();
    world.now = noon(10);
    world
        .change(&guest(), FIRST, to(double(stay(10, 12))))
        .refused(Rejection::CheckInPast {
            check_in: june(10),
            today: june(11),
        });
    world
        .change(&guest(), FIRST, to(double(stay(11, 12))))
        .done();
}

#[test]
fn the_guests_must_fit_into_what_is_wanted_instead() {
    let mut world = World::with_hotel(&small_hotel());
    let family = Booking {
        guests: Guests {
            adults: 2,
            children: 1,
        },
        ..suite(stay(10, 12))
    };
    world.book(&guest(), FIRST, family).done();
    world
        .change(&guest(), FIRST, to(double(stay(10, 12))))
        .refused(Rejection::TooManyGuests {
            guests: 3,
            rooms: 1,
            capacity: 2,
        });
    world
        .change(&guest(), FIRST, to(doubles(2, stay(10, 12))))
        .done();
}

#[test]
fn a_room_type_that_the_hotel_has_not_is_refused() {
    let mut wanted = to(double(stay(10, 12)));
    wanted.room_type = "SGL".to_owned();
    booked()
        .change(&guest(), FIRST, wanted)
        .refused(hotel::Rejection::UnknownRoomType);
}

#[test]
fn a_new_room_type_can_be_moved_to() {
    let mut world = booked();
    let mut larger = small_hotel();
    larger.room_types.push(room_type("TWN", 2, 1, 70));
    world.change_hotel(&hotelier(), &larger).done();
    let mut wanted = to(double(stay(10, 12)));
    wanted.room_type = "TWN".to_owned();
    assert_eq!(world.change(&guest(), FIRST, wanted).done(), euros(140));
    assert_eq!(world.reserved("TWN"), [(10, 1), (11, 1)]);
}

#[test]
fn the_guest_the_hotelier_and_an_admin_may_change_it() {
    GUEST_OR_HOTEL.check(|actor| {
        booked()
            .change(actor, FIRST, to(double(stay(20, 22))))
            .permitted()
    });
}

#[test]
fn what_was_never_booked_can_not_change() {
    for actor in [guest(), admin()] {
        booked()
            .change(&actor, SECOND, to(double(stay(20, 22))))
            .refused(Rejection::Unknown);
    }
}
