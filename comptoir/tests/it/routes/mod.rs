//! One file a route.

mod book_room;
