//! The commands of hotels.

pub mod hotel;
pub mod reservation;

use domain::actor::Role::{Admin, Buyer, Hotelier};
use service_kit::access::{Access, Routes};
use utoipa_axum::routes;

use crate::App;

const HOTEL: Access = Access::Roles(&[Admin, Hotelier]);
const GUEST_OR_HOTEL: Access = Access::Roles(&[Admin, Hotelier, Buyer]);

/// Who may call what. Whose hotel or reservation it is, the domain looks at.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(HOTEL, routes!(hotel::create_hotel))
        .allow(HOTEL, routes!(hotel::change_hotel))
        .allow(HOTEL, routes!(hotel::delete_hotel))
        .allow(GUEST_OR_HOTEL, routes!(reservation::book_room))
        .allow(GUEST_OR_HOTEL, routes!(reservation::change_reservation))
        .allow(GUEST_OR_HOTEL, routes!(reservation::cancel_reservation))
        .allow(HOTEL, routes!(reservation::check_in))
        .allow(HOTEL, routes!(reservation::check_out))
        .allow(HOTEL, routes!(reservation::declare_no_show))
}
