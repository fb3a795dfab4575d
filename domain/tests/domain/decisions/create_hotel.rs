use domain::hotels::hotel::{self, Details, Hotel};

use crate::support::{HOTEL, HOTELIER, room_type, small_hotel};
use crate::world::World;

#[test]
fn a_hotel_opens_with_the_rooms_of_each_type() {
    let details = Details {
        overbooking_allowance: 3,
        ..small_hotel()
    };
    let mut world = World::empty();
    let created = world.create_hotel(&details);
    created.recorded(&["HotelCreated", "InventoryOpened", "InventoryOpened"]);
    assert_eq!(world.state::<Hotel>(HOTEL).open(), Ok((HOTELIER, &details)));
    for (code, count) in [("DBL", 2), ("STE", 1)] {
        let rooms = world.inventory(code);
        assert_eq!((rooms.open, rooms.count), (true, count), "{code}");
        assert_eq!(rooms.overbooking_allowance, 3, "{code}");
    }
}

#[test]
fn a_hotel_is_created_once_only() {
    let mut world = World::with_hotel(&small_hotel());
    world
        .create_hotel(&small_hotel())
        .refused(hotel::Rejection::Exists);
}

#[test]
fn a_hotel_that_can_never_be_right_opens_no_rooms() {
    let mut world = World::empty();
    let mut details = small_hotel();
    details.room_types.push(room_type("DBL", 1, 1, 1));
    world
        .create_hotel(&details)
        .refused(hotel::Rejection::Invalid(
            "/room_types",
            "each room type has a code of its own",
        ));
    assert_eq!(world.streams().count(), 0);
}
