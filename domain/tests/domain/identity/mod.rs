//! One aggregate at a time: what is given, what is asked, what follows.

mod account;
mod administrators;
mod email;
mod seller_request;
mod sessions;
