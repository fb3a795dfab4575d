//! Several streams at once, told as stories: what people ask for, one after the other.

mod activate_account;
mod book_room;
mod cancel_reservation;
mod change_hotel;
mod change_password;
mod change_reservation;
mod change_roles;
mod check_in;
mod check_out;
mod confirm_email;
mod create_hotel;
mod deactivate_account;
mod declare_no_show;
mod delete_hotel;
mod erase_account;
mod queue_email;
mod register_account;
mod settle_seller_request;
mod sign_in;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use domain::actor::{Actor, Role};
use domain::decisions::activate_account::activate_account;
use domain::decisions::book_room::{Booking, book_room};
use domain::decisions::cancel_reservation::cancel_reservation;
use domain::decisions::change_hotel::change_hotel;
use domain::decisions::change_reservation::{Change, change_reservation};
use domain::decisions::change_roles::change_roles;
use domain::decisions::check_in::check_in;
use domain::decisions::check_out::check_out;
use domain::decisions::create_hotel::create_hotel;
use domain::decisions::deactivate_account::deactivate_account;
use domain::decisions::declare_no_show::declare_no_show;
use domain::decisions::delete_hotel::delete_hotel;
use domain::decisions::register_account::{Registration, register_account, register_first_admin};
use domain::hotels::hotel::Details;
use domain::hotels::inventory::{self, RoomInventory, ShortNight, inventory_id};
use domain::hotels::reservation::{Booked, Guests, Reservation, booked};
use domain::hotels::stay::Stay;
use domain::identity::administrators::{ADMINISTRATORS, Administrators};
use domain::identity::email::EmailAddress;
use domain::money::Money;
use uuid::Uuid;

use crate::support::{
    HOTEL, HOTELIER, admin, guest, hotelier, id, june, other_guest, other_hotelier, seller,
};
use crate::world::{Outcome, World};

/// The reservation that a story is about, and another one.
pub(crate) const FIRST: Uuid = id(1);
pub(crate) const SECOND: Uuid = id(2);

/// One double room for two.
pub(crate) fn double(stay: Stay) -> Booking {
    Booking {
        hotel_id: HOTEL,
        room_type: "DBL".to_owned(),
        stay,
        rooms: 1,
        guests: Guests {
            adults: 2,
            children: 0,
        },
    }
}

/// The suite for two.
pub(crate) fn suite(stay: Stay) -> Booking {
    Booking {
        room_type: "STE".to_owned(),
        ..double(stay)
    }
}

/// As many double rooms of the hotel as `count`, each for two.
pub(crate) fn doubles(rooms: u32, stay: Stay) -> Booking {
    Booking {
        rooms,
        ..double(stay)
    }
}

/// The same, as a change of a reservation.
pub(crate) fn to(wanted: Booking) -> Change {
    Change {
        room_type: wanted.room_type,
        stay: wanted.stay,
        rooms: wanted.rooms,
    }
}

/// That these nights have so many rooms left.
fn short(nights: &[(u32, u32)]) -> inventory::Rejection {
    let nights = nights.iter().map(|&(day, available)| ShortNight {
        date: june(day),
        available,
    });
    inventory::Rejection::NoRoomAvailable(nights.collect())
}

/// The five who may ask something of a hotel and its reservations, and whether they may.
struct Rights {
    guest: bool,
    other_guest: bool,
    hotelier: bool,
    other_hotelier: bool,
    admin: bool,
    seller: bool,
}

impl Rights {
    #[track_caller]
    fn check(&self, may: impl Fn(&Actor) -> bool) {
        assert_eq!(may(&guest()), self.guest, "the guest");
        assert_eq!(may(&other_guest()), self.other_guest, "another guest");
        assert_eq!(may(&hotelier()), self.hotelier, "the hotelier");
        assert_eq!(
            may(&other_hotelier()),
            self.other_hotelier,
            "another hotelier"
        );
        assert_eq!(may(&admin()), self.admin, "an admin");
        assert_eq!(may(&seller()), self.seller, "a seller");
    }
}

/// The hotel's own and the admin.
const HOTEL_ONLY: Rights = Rights {
    guest: false,
    other_guest: false,
    hotelier: true,
    other_hotelier: false,
    admin: true,
    seller: false,
};

/// And the one who booked.
const GUEST_OR_HOTEL: Rights = Rights {
    guest: true,
    ..HOTEL_ONLY
};

/// Hotels: each verb with the world's clock.
impl World {
    /// A world with [`HOTEL`] in it.
    pub(crate) fn with_hotel(details: &Details) -> Self {
        let mut world = Self::empty();
        world.create_hotel(details).done();
        world
    }

    pub(crate) fn create_hotel(&mut self, details: &Details) -> Outcome<()> {
        self.run(|streams| create_hotel(streams, HOTEL, HOTELIER, details.clone()))
    }

    pub(crate) fn change_hotel(&mut self, actor: &Actor, details: &Details) -> Outcome<()> {
        let now = self.now;
        self.run(|streams| change_hotel(streams, actor, HOTEL, details.clone(), now))
    }

    pub(crate) fn delete_hotel(&mut self, actor: &Actor) -> Outcome<()> {
        let now = self.now;
        self.run(|streams| delete_hotel(streams, actor, HOTEL, now))
    }

    pub(crate) fn book(&mut self, actor: &Actor, id: Uuid, wanted: Booking) -> Outcome<Money> {
        let now = self.now;
        self.run(|streams| book_room(streams, actor, id, wanted.clone(), now))
    }

    pub(crate) fn change(&mut self, actor: &Actor, id: Uuid, wanted: Change) -> Outcome<Money> {
        let now = self.now;
        self.run(|streams| change_reservation(streams, actor, id, wanted.clone(), now))
    }

    pub(crate) fn cancel(&mut self, actor: &Actor, id: Uuid) -> Outcome<()> {
        self.run(|streams| cancel_reservation(streams, actor, id))
    }

    pub(crate) fn check_in(&mut self, actor: &Actor, id: Uuid) -> Outcome<()> {
        let now = self.now;
        self.run(|streams| check_in(streams, actor, id, now))
    }

    pub(crate) fn check_out(&mut self, actor: &Actor, id: Uuid) -> Outcome<()> {
        let now = self.now;
        self.run(|streams| check_out(streams, actor, id, now))
    }

    pub(crate) fn no_show(&mut self, actor: &Actor, id: Uuid) -> Outcome<()> {
        let now = self.now;
        self.run(|streams| declare_no_show(streams, actor, id, now))
    }

    pub(crate) fn inventory(&self, room_type: &str) -> inventory::State {
        self.state::<RoomInventory>(inventory_id(HOTEL, room_type))
    }

    pub(crate) fn reservation(&self, id: Uuid) -> Booked {
        booked(&self.state::<Reservation>(id)).unwrap().clone()
    }

    /// The nights of June for which rooms of this type are reserved, and how many.
    fn reserved(&self, room_type: &str) -> Vec<(u32, u32)> {
        let day = |date: &NaiveDate| date.format("%-d").to_string().parse().unwrap();
        let reserved = self.inventory(room_type).reserved;
        reserved
            .iter()
            .map(|(night, rooms)| (day(night), *rooms))
            .collect()
    }
}

/// Identity.
impl World {
    pub(crate) fn register(&mut self, account: Uuid, email: &str, roles: &[Role]) -> Outcome<()> {
        self.run(|streams| register_account(streams, registration(account, email, roles)))
    }

    pub(crate) fn register_first_admin(&mut self, account: Uuid, email: &str) -> Outcome<()> {
        self.run(|streams| {
            register_first_admin(streams, registration(account, email, &[Role::Admin]))
        })
    }

    pub(crate) fn activate(&mut self, account: Uuid) -> Outcome<()> {
        self.run(|streams| activate_account(streams, account))
    }

    pub(crate) fn deactivate(&mut self, account: Uuid) -> Outcome<()> {
        self.run(|streams| deactivate_account(streams, account))
    }

    pub(crate) fn change_roles(&mut self, account: Uuid, roles: &[Role]) -> Outcome<()> {
        let roles = BTreeSet::from_iter(roles.iter().copied());
        self.run(|streams| change_roles(streams, account, roles.clone()))
    }

    pub(crate) fn administrators(&self) -> Vec<Uuid> {
        Vec::from_iter(self.state::<Administrators>(ADMINISTRATORS))
    }
}

fn registration(account: Uuid, email: &str, roles: &[Role]) -> Registration {
    let email = EmailAddress::parse(email).unwrap();
    Registration {
        id: account,
        email_claim_id: claim_on(&email),
        email,
        name: "Awa".to_owned(),
        roles: roles.iter().copied().collect(),
        credential_id: Uuid::new_v5(&account, b"credential"),
    }
}

/// Stands in for the keyed hash of an address.
pub(crate) fn claim_on(email: &EmailAddress) -> Uuid {
    Uuid::new_v5(&Uuid::nil(), email.as_str().as_bytes())
}
