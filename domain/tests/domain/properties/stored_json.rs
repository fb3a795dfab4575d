//! Events with anything in them, such as no decider would let through today: what is stored must
//! read back as it was.

use chrono::NaiveDate;
use domain::actor::Role;
use domain::decider::Event;
use domain::hotels::hotel::{self, Details, RoomType};
use domain::hotels::inventory::{self, Allocation};
use domain::hotels::reservation::{self, Guests, Terms};
use domain::hotels::stay::Stay;
use domain::identity::account;
use domain::identity::email::EmailAddress;
use domain::money::{Currency, Money};
use domain::personal::Personal;
use domain::streams::stored_json;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::sample::select;
use strum::IntoEnumIterator;
use uuid::Uuid;

fn any_id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn any_date() -> impl Strategy<Value = NaiveDate> {
    (0i32..=9999, 1u32..=365).prop_map(|(year, day)| NaiveDate::from_yo_opt(year, day).unwrap())
}

fn any_money() -> impl Strategy<Value = Money> {
    (any::<i64>(), "[A-Z]{3}")
        .prop_map(|(amount, code)| Money::new(amount, Currency::try_from(code).unwrap()))
}

fn any_stay() -> impl Strategy<Value = Stay> {
    (any_date(), any_date()).prop_map(|(check_in, check_out)| Stay {
        check_in,
        check_out,
    })
}

fn any_room_type() -> impl Strategy<Value = RoomType> {
    (any::<(String, String, u32, u32)>(), any_money()).prop_map(|(fields, price_per_night)| {
        let (code, name, capacity, count) = fields;
        RoomType {
            code,
            name,
            capacity,
            count,
            price_per_night,
        }
    })
}

fn any_details() -> impl Strategy<Value = Details> {
    let room_types = vec(any_room_type(), 0..3);
    let zone = select(&chrono_tz::TZ_VARIANTS[..]);
    let others = any::<(String, String, u8, bool, u32)>();
    (others, zone, room_types).prop_map(|(others, time_zone, room_types)| {
        let (name, city, rating, is_active, overbooking_allowance) = others;
        Details {
            name,
            city,
            time_zone,
            rating,
            is_active,
            room_types,
            overbooking_allowance,
        }
    })
}

fn any_terms() -> impl Strategy<Value = Terms> {
    let money = (any_money(), any_money());
    (any::<(String, u32)>(), any_stay(), money).prop_map(|((room_type, rooms), stay, money)| {
        Terms {
            room_type,
            stay,
            rooms,
            price_per_night: money.0,
            total: money.1,
        }
    })
}

fn any_allocation() -> impl Strategy<Value = Allocation> {
    (any_id(), any_stay(), any::<u32>(), any_money()).prop_map(
        |(reservation_id, stay, rooms, price_per_night)| Allocation {
            reservation_id,
            stay,
            rooms,
            price_per_night,
        },
    )
}

fn any_personal<T: std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Personal<T>> {
    (any_id(), proptest::option::of(value))
        .prop_map(|(personal_of, value)| Personal { personal_of, value })
}

fn any_email() -> impl Strategy<Value = EmailAddress> {
    any::<String>().prop_filter_map("no address", |local| {
        EmailAddress::parse(&format!("{local}@example.org")).ok()
    })
}

fn reads_back<E: Event>(event: &E) -> Result<(), TestCaseError> {
    let json = stored_json(event);
    let read: E = serde_json::from_str(&json)
        .map_err(|error| TestCaseError::fail(format!("{json} can't be read: {error}")))?;
    prop_assert_eq!(&read, event);
    prop_assert_eq!(stored_json(&read), json);
    Ok(())
}

proptest! {
    #[test]
    fn a_hotel_reads_back(owner in any_id(), details in any_details()) {
        reads_back(&hotel::Event::HotelCreated { owner, details: details.clone() })?;
        reads_back(&hotel::Event::HotelChanged { details })?;
    }

    #[test]
    fn rooms_read_back(allocation in any_allocation(), room_type in any::<String>()) {
        let hotel_id = allocation.reservation_id;
        let count = allocation.rooms;
        let opened = inventory::Event::InventoryOpened {
            hotel_id,
            room_type,
            count,
            overbooking_allowance: !count,
        };
        reads_back(&opened)?;
        reads_back(&inventory::Event::RoomsReserved(allocation.clone()))?;
        reads_back(&inventory::Event::RoomsReleased(allocation))?;
    }

    #[test]
    fn a_reservation_reads_back(
        hotel_id in any_id(),
        booked_by in any_id(),
        terms in any_terms(),
        guests in any::<(u32, u32)>(),
        on in any_date(),
    ) {
        let guests = Guests { adults: guests.0, children: guests.1 };
        reads_back(&reservation::Event::ReservationChanged { terms: terms.clone() })?;
        let booked = reservation::Event::ReservationBooked { hotel_id, booked_by, terms, guests };
        reads_back(&booked)?;
        reads_back(&reservation::Event::GuestsCheckedIn { on })?;
    }

    #[test]
    fn an_account_reads_back_erased_or_not(
        email in any_personal(any_email()),
        name in any_personal(any::<String>()),
        roles in btree_set(select(Role::iter().collect::<Vec<_>>()), 0..7),
        credential_id in any_id(),
        active in any::<bool>(),
    ) {
        reads_back(&account::Event::RolesChanged { roles: roles.clone() })?;
        let registered = account::Event::AccountRegistered {
            email,
            name,
            roles,
            credential_id,
            active,
        };
        reads_back(&registered)?;
    }
}
