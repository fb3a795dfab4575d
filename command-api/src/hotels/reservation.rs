//! Booking a room, and what becomes of the reservation.

use axum::extract::State;
use chrono::NaiveDate;
use domain::decisions::{
    book_room, cancel_reservation, change_reservation, check_in, check_out, declare_no_show,
};
use domain::hotels::reservation::{Guests, Rejection, Reservation};
use domain::hotels::stay::Stay;
use domain::money::Money;
use domain::streams::{Halt, StreamId, Streams};
use serde::{Deserialize, Serialize};
use service_kit::extract::Path;
use service_kit::problem::Problem;
use service_kit::shapes::MoneyShape;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::App;
use crate::answer::Answer;
use crate::execute::{Done, Target, execute};
use crate::request::{Envelope, Order, OrderWith};

/// What a guest asks for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookingBody {
    /// The code of the room type.
    room_type: String,
    /// The first night.
    check_in: NaiveDate,
    /// The day after the last night.
    check_out: NaiveDate,
    /// How many rooms.
    #[schema(minimum = 1, maximum = 1000)]
    rooms: u32,
    /// How many grown-ups.
    #[schema(maximum = 10000)]
    adults: u32,
    /// How many children.
    #[serde(default)]
    #[schema(maximum = 10000)]
    children: u32,
}

/// What is wanted instead.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeBody {
    /// The first night.
    check_in: NaiveDate,
    /// The day after the last night.
    check_out: NaiveDate,
    /// How many rooms.
    #[schema(minimum = 1, maximum = 1000)]
    rooms: u32,
    /// The code of the room type.
    room_type: String,
}

/// A reservation that was booked.
#[derive(Debug, Serialize, ToSchema)]
pub struct BookingDone {
    /// The reservation.
    id: Uuid,
    /// Its version.
    version: u64,
    /// `confirmed`.
    status: String,
    /// What the stay costs.
    #[schema(value_type = MoneyShape)]
    total: Money,
}

/// A reservation that was changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangeDone {
    /// The reservation.
    id: Uuid,
    /// Its version.
    version: u64,
    /// What the stay costs now.
    #[schema(value_type = MoneyShape)]
    total: Money,
}

#[derive(Serialize)]
struct Confirmed {
    status: &'static str,
    total: Money,
}

#[derive(Serialize)]
struct Changed {
    total: Money,
}

/// Books rooms of one type for every night of a stay, or none.
///
/// Refused as `no-room-available`, with the nights that are short.
#[utoipa::path(post, path = "/api/hotels/{id}/reservations", tag = "hotels",
    request_body = BookingBody, params(("id" = Uuid, Path,)),
    responses((status = 201, body = BookingDone), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn book_room(
    State(app): State<App>,
    Path(hotel_id): Path<Uuid>,
    OrderWith(envelope, body): OrderWith<BookingBody>,
) -> Result<Answer, Problem> {
    let (id, actor, now) = (Uuid::now_v7(), envelope.actor()?.clone(), envelope.now);
    let booking = book_room::Booking {
        hotel_id,
        room_type: body.room_type,
        stay: parse_stay(body.check_in, body.check_out)?,
        rooms: body.rooms,
        guests: Guests {
            adults: body.adults,
            children: body.children,
        },
    };
    let target = Target::created(StreamId::of::<Reservation>(id), "/api/reservations");
    execute(&app, envelope, target, move |streams| {
        let total = book_room::book_room(streams, &actor, id, booking.clone(), now)?;
        let status = "confirmed";
        Ok(Confirmed { status, total })
    })
    .await
}

/// Moves a reservation to other nights, rooms or another room type, in one decision.
#[utoipa::path(put, path = "/api/reservations/{id}", tag = "hotels",
    request_body = ChangeBody, params(("id" = Uuid, Path,)),
    responses((status = 200, body = ChangeDone), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem)))]
pub async fn change_reservation(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    OrderWith(envelope, body): OrderWith<ChangeBody>,
) -> Result<Answer, Problem> {
    let (actor, now) = (envelope.actor()?.clone(), envelope.now);
    let change = change_reservation::Change {
        room_type: body.room_type,
        stay: parse_stay(body.check_in, body.check_out)?,
        rooms: body.rooms,
    };
    execute(&app, envelope, reservation(id), move |streams| {
        let change = change.clone();
        let total = change_reservation::change_reservation(streams, &actor, id, change, now)?;
        Ok(Changed { total })
    })
    .await
}

/// Cancels a reservation; every night is free again.
#[utoipa::path(post, path = "/api/reservations/{id}/cancel", tag = "hotels",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem)))]
pub async fn cancel_reservation(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    let actor = envelope.actor()?.clone();
    at(&app, envelope, id, move |streams| {
        cancel_reservation::cancel_reservation(streams, &actor, id)
    })
    .await
}

/// Checks the guests in, from the day of check-in to the last night.
#[utoipa::path(post, path = "/api/reservations/{id}/check-in", tag = "hotels",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem)))]
pub async fn check_in(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    let (actor, now) = (envelope.actor()?.clone(), envelope.now);
    at(&app, envelope, id, move |streams| {
        check_in::check_in(streams, &actor, id, now)
    })
    .await
}

/// Checks the guests out; the nights from today on are free again.
#[utoipa::path(post, path = "/api/reservations/{id}/check-out", tag = "hotels",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem)))]
pub async fn check_out(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    let (actor, now) = (envelope.actor()?.clone(), envelope.now);
    at(&app, envelope, id, move |streams| {
        check_out::check_out(streams, &actor, id, now)
    })
    .await
}

/// Declares that the guests never came, on the day of check-in or later: the first night is kept,
/// the others are free again.
#[utoipa::path(post, path = "/api/reservations/{id}/no-show", tag = "hotels",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem)))]
pub async fn declare_no_show(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    let (actor, now) = (envelope.actor()?.clone(), envelope.now);
    at(&app, envelope, id, move |streams| {
        declare_no_show::declare_no_show(streams, &actor, id, now)
    })
    .await
}

async fn at(
    app: &App,
    envelope: Envelope,
    id: Uuid,
    decide: impl Fn(&mut Streams) -> Result<(), Halt> + Send + 'static,
) -> Result<Answer, Problem> {
    execute(app, envelope, reservation(id), decide).await
}

fn reservation(id: Uuid) -> Target {
    Target::existing(StreamId::of::<Reservation>(id))
}

fn parse_stay(check_in: NaiveDate, check_out: NaiveDate) -> Result<Stay, Problem> {
    Stay::parse(check_in, check_out).map_err(|error| Problem::rejected(&Rejection::from(error)))
}
