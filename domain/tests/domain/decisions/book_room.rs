use domain::actor::{Actor, Role};
use domain::decisions::book_room::Booking;
use domain::hotels::hotel::{self, Details};
use domain::hotels::reservation::{Guests, Rejection, Status};
use domain::money::{Currency, MAX_AMOUNT, Money};

use super::{FIRST, Rights, SECOND, double, doubles, short, suite};
use crate::support::{
    GUEST, HOTEL, HOTELIER, admin, euros, guest, hotelier, id, june, noon, other_guest,
    small_hotel, stay,
};
use crate::world::World;

#[test]
fn a_guest_books_two_rooms_for_three_nights() {
    let mut world = World::with_hotel(&small_hotel());
    let answer = world.book(&guest(), FIRST, doubles(2, stay(10, 13)));
    let names: Vec<_> = answer
        .events
        .iter()
        .map(|(_, event)| event.event_type)
        .collect();
    assert_eq!(names, ["ReservationBooked", "RoomsReserved"]);
    assert_eq!(answer.done(), euros(2 * 3 * 80));
    assert_eq!(world.reserved("DBL"), [(10, 2), (11, 2), (12, 2)]);
    assert_eq!(world.reserved("STE"), []);

    let booked = world.reservation(FIRST);
    assert_eq!((booked.hotel_id, booked.booked_by), (HOTEL, GUEST));
    assert_eq!(booked.status, Status::Confirmed);
    assert_eq!(booked.terms.price_per_night, euros(80));
    assert_eq!(booked.terms.total, euros(480));
}

#[test]
fn the_last_room_goes_to_the_first_who_asks() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, suite(stay(10, 12))).done();
    let late = world.book(&other_guest(), SECOND, suite(stay(9, 13)));
    late.refused(short(&[(10, 0), (11, 0)]));
    assert_eq!(world.reserved("STE"), [(10, 1), (11, 1)]);
}

#[test]
fn a_refused_booking_leaves_no_trace() {
    let mut world = World::with_hotel(&small_hotel());
    let streams = world.streams().count();
    let greedy = world.book(&guest(), FIRST, doubles(3, stay(10, 11)));
    greedy.refused(short(&[(10, 2)]));
    assert_eq!(world.streams().count(), streams);
}

#[test]
fn rooms_of_another_type_do_not_help() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, suite(stay(10, 11))).done();
    world.book(&guest(), SECOND, double(stay(10, 11))).done();
    let third = world.book(&guest(), id(3), suite(stay(10, 11)));
    third.refused(short(&[(10, 0)]));
}

#[test]
fn overbooking_goes_as_far_as_the_hotel_allows() {
    let mut world = World::with_hotel(&Details {
        overbooking_allowance: 1,
        ..small_hotel()
    });
    world.book(&guest(), FIRST, doubles(2, stay(10, 12))).done();
    world.book(&guest(), SECOND, double(stay(10, 11))).done();
    let third = world.book(&guest(), id(3), double(stay(10, 12)));
    third.refused(short(&[(10, 0)]));
    assert_eq!(world.reserved("DBL"), [(10, 3), (11, 2)]);
}

#[test]
fn buyers_and_those_who_run_the_hotel_may_book() {
    let rights = Rights {
        guest: true,
        other_guest: true,
        hotelier: true,
        other_hotelier: false,
        admin: true,
        seller: false,
    };
    rights.check(|actor| {
        let mut world = World::with_hotel(&small_hotel());
        world.book(actor, FIRST, double(stay(10, 11))).permitted()
    });
}

#[test]
fn who_may_not_book_is_told_that_it_is_not_theirs() {
    let mut world = World::with_hotel(&small_hotel());
    let nobody = Actor {
        account: id(77),
        roles: vec![Role::Hotelier, Role::Trainer],
    };
    world
        .book(&nobody, FIRST, double(stay(10, 11)))
        .refused(hotel::Rejection::NotYours);
}

#[test]
fn a_reservation_belongs_to_the_account_that_booked_it() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&hotelier(), FIRST, double(stay(10, 11))).done();
    world.book(&admin(), SECOND, double(stay(10, 11))).done();
    assert_eq!(world.reservation(FIRST).booked_by, HOTELIER);
    assert_eq!(world.reservation(SECOND).booked_by, admin().account);
}

#[test]
fn what_is_not_there_can_not_be_booked() {
    World::empty()
        .book(&guest(), FIRST, double(stay(10, 11)))
        .refused(hotel::Rejection::Unknown);
    let mut world = World::with_hotel(&small_hotel());
    let wanted = Booking {
        room_type: "SGL".to_owned(),
        ..double(stay(10, 11))
    };
    world
        .book(&guest(), FIRST, wanted)
        .refused(hotel::Rejection::UnknownRoomType);
    world.delete_hotel(&hotelier()).done();
    world
        .book(&guest(), FIRST, double(stay(10, 11)))
        .refused(hotel::Rejection::Unknown);
}

#[test]
fn a_hotel_that_is_not_active_takes_no_reservations() {
    let mut world = World::with_hotel(&Details {
        is_active: false,
        ..small_hotel()
    });
    world
        .book(&guest(), FIRST, double(stay(10, 11)))
        .refused(hotel::Rejection::Inactive);
    // What can never be right is told first.
    world
        .book(&guest(), FIRST, doubles(0, stay(10, 11)))
        .refused(Rejection::Rooms);
}

#[test]
fn a_reservation_is_booked_once_only() {
    let mut world = World::with_hotel(&small_hotel());
    world.book(&guest(), FIRST, double(stay(10, 11))).done();
    world
        .book(&guest(), FIRST, double(stay(10, 11)))
        .refused(Rejection::Exists);
}

#[test]
fn the_guests_must_fit_into_rooms_of_that_type() {
    let mut world = World::with_hotel(&small_hotel());
    let family = Guests {
        adults: 2,
        children: 2,
    };
    let wanted = Booking {
        guests: family,
        ..double(stay(10, 11))
    };
    world
        .book(&guest(), FIRST, wanted)
        .refused(Rejection::TooManyGuests {
            guests: 4,
            rooms: 1,
            capacity: 2,
        });
    let wanted = Booking {
        guests: family,
        ..suite(stay(10, 11))
    };
    world.book(&guest(), FIRST, wanted).done();
}

#[test]
fn today_is_what_the_calendar_at_the_hotel_says() {
    // Noon UTC on the 10th is midnight of the 11th in Auckland.
    let cases = [
        (chrono_tz::UTC, 10, true),
        (chrono_tz::Pacific::Auckland, 10, false),
        (chrono_tz::Pacific::Auckland, 11, true),
        // And two in the morning of the 10th in Honolulu.
        (chrono_tz::Pacific::Honolulu, 10, true),
    ];
    for (time_zone, check_in, taken) in cases {
        let mut world = World::with_hotel(&Details {
            time_zone,
            ..small_hotel()
        });
        world.now = noon(10);
        let answer = world.book(&guest(), FIRST, double(stay(check_in, 12)));
        if taken {
            answer.done();
        } else {
            answer.refused(Rejection::CheckInPast {
                check_in: june(check_in),
                today: june(11),
            });
        }
    }
}

#[test]
fn a_stay_that_costs_more_than_money_can_say_is_refused() {
    let mut details = small_hotel();
    details.room_types[0].price_per_night = Money::new(MAX_AMOUNT, Currency::EUR);
    let mut world = World::with_hotel(&details);
    world
        .book(&guest(), FIRST, doubles(u32::MAX, stay(10, 30)))
        .refused(Rejection::TooDear);
}
