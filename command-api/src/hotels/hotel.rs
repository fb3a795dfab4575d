//! Creating, changing and deleting hotels.

use axum::extract::State;
use chrono_tz::Tz;
use domain::decisions::{change_hotel, create_hotel, delete_hotel};
use domain::hotels::hotel::{Details, Hotel, RoomType};
use domain::money::Money;
use domain::streams::StreamId;
use serde::Deserialize;
use service_kit::extract::Path;
use service_kit::problem::Problem;
use service_kit::shapes::MoneyShape;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::App;
use crate::answer::Answer;
use crate::execute::{Done, Target, execute};
use crate::request::{Order, OrderWith};

/// A hotel as a client describes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HotelBody {
    /// Its name.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Where it is.
    #[schema(min_length = 1, max_length = 200)]
    city: String,
    /// Whose calendar its dates are: an IANA name. UTC unless told.
    #[serde(default)]
    #[schema(value_type = String, example = "Africa/Dakar", default = "UTC")]
    time_zone: Tz,
    /// Its stars.
    #[serde(default)]
    #[schema(maximum = 5)]
    rating: u8,
    /// Whether it takes reservations. It does unless told.
    #[serde(default = "yes")]
    #[schema(default = true)]
    is_active: bool,
    /// What it offers.
    #[schema(min_items = 1, max_items = 50)]
    room_types: Vec<RoomTypeBody>,
    /// How many rooms more than there are may be reserved, per room type and night.
    #[serde(default)]
    #[schema(maximum = 10000)]
    overbooking_allowance: u32,
}

/// A kind of room as a client describes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomTypeBody {
    /// Its short name, unique in the hotel.
    #[schema(example = "double", min_length = 1, max_length = 200)]
    code: String,
    /// Its name for guests.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// How many guests a room of it takes.
    #[schema(minimum = 1, maximum = 100)]
    capacity: u32,
    /// How many rooms of it there are.
    #[schema(maximum = 10000)]
    count: u32,
    /// What a night in it costs.
    #[schema(value_type = MoneyShape)]
    price_per_night: Money,
}

fn yes() -> bool {
    true
}

impl From<HotelBody> for Details {
    fn from(body: HotelBody) -> Self {
        let room_types = body.room_types.into_iter().map(|room_type| RoomType {
            code: room_type.code,
            name: room_type.name,
            capacity: room_type.capacity,
            count: room_type.count,
            price_per_night: room_type.price_per_night,
        });
        Self {
            name: body.name,
            city: body.city,
            time_zone: body.time_zone,
            rating: body.rating,
            is_active: body.is_active,
            room_types: room_types.collect(),
            overbooking_allowance: body.overbooking_allowance,
        }
    }
}

/// Creates a hotel; it is the caller's own.
#[utoipa::path(post, path = "/api/hotels", tag = "hotels", request_body = HotelBody,
    responses((status = 201, body = Done), (status = 422, body = Problem)))]
pub async fn create_hotel(
    State(app): State<App>,
    OrderWith(envelope, body): OrderWith<HotelBody>,
) -> Result<Answer, Problem> {
    let (id, owner) = (Uuid::now_v7(), envelope.actor()?.account);
    let details = Details::from(body);
    let target = Target::created(StreamId::of::<Hotel>(id), "/api/hotels");
    execute(&app, envelope, target, move |streams| {
        create_hotel::create_hotel(streams, id, owner, details.clone())
    })
    .await
}

/// Replaces what is known of a hotel.
#[utoipa::path(put, path = "/api/hotels/{id}", tag = "hotels", request_body = HotelBody,
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem)))]
pub async fn change_hotel(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    OrderWith(envelope, body): OrderWith<HotelBody>,
) -> Result<Answer, Problem> {
    let (actor, now) = (envelope.actor()?.clone(), envelope.now);
    let details = Details::from(body);
    let target = Target::existing(StreamId::of::<Hotel>(id));
    execute(&app, envelope, target, move |streams| {
        change_hotel::change_hotel(streams, &actor, id, details.clone(), now)
    })
    .await
}

/// Deletes a hotel that has no reservation for tonight or a coming night.
#[utoipa::path(delete, path = "/api/hotels/{id}", tag = "hotels",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem)))]
pub async fn delete_hotel(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    let (actor, now) = (envelope.actor()?.clone(), envelope.now);
    let target = Target::existing(StreamId::of::<Hotel>(id));
    execute(&app, envelope, target, move |streams| {
        delete_hotel::delete_hotel(streams, &actor, id, now)
    })
    .await
}
