//! The queries of hotels.

pub mod availability;
pub mod history;
pub mod hotel_list;
pub mod occupancy;
pub mod reservations;
mod tables;

use domain::actor::Role::{Admin, Buyer, Hotelier};
use service_kit::access::{Access, Routes, Whose};
use utoipa_axum::routes;

use crate::App;

const HOTEL: Access = Access::Roles(&[Admin, Hotelier]);
const GUEST_OR_HOTEL: Access = Access::Roles(&[Admin, Hotelier, Buyer]);

const OWN_HOTEL: Whose = Whose::Owner("the hotel's own hotelier, and any admin");
const GUEST_OR_HOTELIER: Whose =
    Whose::Owner("who booked it, the hotel's own hotelier, and any admin");
const OWN_RESERVATIONS: Whose =
    Whose::Filtered("a guest sees the own ones, a hotelier the hotels', an admin all");

/// Who may call what.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(
            Access::Anyone,
            Whose::Platform,
            routes!(hotel_list::list_hotels),
        )
        .allow(
            Access::Anyone,
            Whose::Platform,
            routes!(hotel_list::show_hotel),
        )
        .allow(
            Access::Anyone,
            Whose::Platform,
            routes!(availability::show_availability),
        )
        .allow(
            GUEST_OR_HOTEL,
            OWN_RESERVATIONS,
            routes!(reservations::list_reservations),
        )
        .allow(
            GUEST_OR_HOTEL,
            GUEST_OR_HOTELIER,
            routes!(reservations::show_reservation),
        )
        .allow(
            GUEST_OR_HOTEL,
            GUEST_OR_HOTELIER,
            routes!(history::show_history),
        )
        .allow(HOTEL, OWN_HOTEL, routes!(occupancy::show_occupancy))
}
