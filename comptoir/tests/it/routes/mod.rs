//! One file a route.

mod activate_user;
mod book_room;
mod cancel_reservation;
mod change_hotel;
mod change_reservation;
mod change_roles;
mod check_in;
mod check_out;
mod create_hotel;
mod create_user;
mod deactivate_user;
mod declare_no_show;
mod delete_hotel;
mod list_hotels;
mod list_reservations;
mod list_users;
mod login;
mod me;
mod show_availability;
mod show_history;
mod show_hotel;
mod show_occupancy;
mod show_reservation;
mod show_user;
