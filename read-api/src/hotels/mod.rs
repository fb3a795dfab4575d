//! The queries of hotels.

pub mod availability;
pub mod history;
pub mod hotel_list;
pub mod occupancy;
pub mod reservations;

use domain::actor::Role::{Admin, Buyer, Hotelier};
use service_kit::access::{Access, Routes};
use utoipa_axum::routes;

use crate::App;

const HOTEL: Access = Access::Roles(&[Admin, Hotelier]);
const GUEST_OR_HOTEL: Access = Access::Roles(&[Admin, Hotelier, Buyer]);

/// Who may call what. Hotels are there for everybody; of reservations each sees its own.
pub fn routes(routes: Routes<App>) -> Routes<App> {
    routes
        .allow(Access::Anyone, routes!(hotel_list::list_hotels))
        .allow(Access::Anyone, routes!(hotel_list::show_hotel))
        .allow(Access::Anyone, routes!(availability::show_availability))
        .allow(GUEST_OR_HOTEL, routes!(reservations::list_reservations))
        .allow(GUEST_OR_HOTEL, routes!(reservations::show_reservation))
        .allow(GUEST_OR_HOTEL, routes!(history::show_history))
        .allow(HOTEL, routes!(occupancy::show_occupancy))
}
