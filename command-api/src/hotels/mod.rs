//! The commands of hotels.

pub mod hotel;
pub mod reservation;

use domain::actor::Role::{Admin, Buyer, Hotelier};
use service_kit::access::{Access, Routes, Whose};
use utoipa_axum::routes;

use crate::App;

const HOTEL: Access = Access::Roles(&[Admin, Hotelier]);
const GUEST_OR_HOTEL: Access = Access::Roles(&[Admin, Hotelier, Buyer]);

const OWN_HOTEL: Whose = Whose::Owner("the hotel's own hotelier, and any admin");
const GUEST_OR_HOTELIER: Whose =
    Whose::Owner("who booked it, the hotel's own hotelier, and any admin");
const ANY_GUEST: Whose = Whose::Owner("any buyer, the hotel's own hotelier, and any admin");

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(HOTEL, Whose::Platform, routes!(hotel::create_hotel))
        .allow(HOTEL, OWN_HOTEL, routes!(hotel::change_hotel))
        .allow(HOTEL, OWN_HOTEL, routes!(hotel::delete_hotel))
        .allow(GUEST_OR_HOTEL, ANY_GUEST, routes!(reservation::book_room))
        .allow(
            GUEST_OR_HOTEL,
            GUEST_OR_HOTELIER,
            routes!(reservation::change_reservation),
        )
        .allow(
            GUEST_OR_HOTEL,
            GUEST_OR_HOTELIER,
            routes!(reservation::cancel_reservation),
        )
        .allow(HOTEL, OWN_HOTEL, routes!(reservation::check_in))
        .allow(HOTEL, OWN_HOTEL, routes!(reservation::check_out))
        .allow(HOTEL, OWN_HOTEL, routes!(reservation::declare_no_show))
}
