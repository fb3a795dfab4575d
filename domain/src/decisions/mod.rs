//! Decisions over several streams: each runs the deciders of its streams, and what they decide is
//! appended as one, all or nothing. One verb, one file; the only place that may join contexts.

pub mod activate_account;
pub mod book_room;
pub mod cancel_reservation;
pub mod change_hotel;
pub mod change_password;
pub mod change_reservation;
pub mod change_roles;
pub mod check_in;
pub mod check_out;
pub mod confirm_email;
pub mod create_hotel;
pub mod deactivate_account;
pub mod declare_no_show;
pub mod delete_hotel;
pub mod erase_account;
pub mod queue_email;
pub mod register_account;
pub mod settle_seller_request;
pub mod sign_in;
