//! One aggregate at a time: what is given, what is asked, what follows.

mod hotel;
mod inventory;
mod reservation;
mod stay;
