//! The dashboard of a hotel: how full each night is, and what it brings.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use domain::hotels::CONTEXT;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service_kit::access::Caller;
use service_kit::extract::Query;
use service_kit::problem::Problem;
use service_kit::shapes::MoneyShape;
use sqlx::Row;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::availability::nights;
use super::hotel_list;
use crate::answer::view;
use crate::fresh::Fresh;
use crate::{App, database};

/// How full a hotel is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Occupancy {
    hotel_id: Uuid,
    nights: Vec<OccupancyNight>,
}

/// How full one night is.
#[derive(Debug, Serialize, ToSchema)]
pub struct OccupancyNight {
    /// The night.
    date: NaiveDate,
    /// How many rooms there are.
    rooms: i64,
    /// How many are reserved.
    reserved: i64,
    /// reserved / rooms, to four places; above 1 when overbooked, 0 without rooms.
    rate: f64,
    /// What the reserved rooms bring.
    #[schema(value_type = MoneyShape)]
    revenue: Value,
}

/// Which nights of which hotel.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OccupancyQuery {
    /// The hotel.
    hotel_id: Uuid,
    /// The first night.
    from: NaiveDate,
    /// The day after the last night.
    to: NaiveDate,
}

/// Rooms, reserved rooms, rate and revenue of each night.
#[utoipa::path(get, path = "/api/dashboard/occupancy", tag = "hotels", params(OccupancyQuery),
    responses((status = 200, body = Occupancy), (status = 400, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem)))]
pub async fn show_occupancy(
    State(app): State<App>,
    Caller(actor): Caller,
    fresh: Fresh,
    headers: HeaderMap,
    Query(asked): Query<OccupancyQuery>,
) -> Result<Response, Problem> {
    let stay = nights(asked.from, asked.to)?;
    let tables = ["hotels", "room_inventories", "nights"];
    app.contain(&fresh, CONTEXT, &tables).await?;
    let hotel = hotel_list::find(&app, asked.hotel_id).await?;
    if !actor.may_act_for(hotel.owner) {
        return Err(Problem::forbidden("the hotel is another account's"));
    }
    let rows = sqlx::query(
        "SELECT asked.night::date AS night, COALESCE(sum(count) FILTER (WHERE open), 0)::bigint \
             AS rooms, COALESCE(sum(reserved), 0)::bigint AS reserved, \
             COALESCE(sum(revenue), 0)::bigint AS revenue \
         FROM generate_series($2::date, $3::date - 1, '1 day') AS asked (night) \
         LEFT JOIN room_inventories ON hotel_id = $1 \
         LEFT JOIN nights ON nights.inventory_id = room_inventories.inventory_id \
             AND nights.night = asked.night::date \
         GROUP BY asked.night ORDER BY asked.night",
    )
    .bind(asked.hotel_id)
    .bind(stay.check_in)
    .bind(stay.check_out)
    .fetch_all(&app.read)
    .await
    .map_err(database)?;
    let nights = rows
        .iter()
        .map(|row| read_night(row, hotel.currency()))
        .collect::<Result<_, _>>()
        .map_err(database)?;
    let hotel_id = asked.hotel_id;
    view(&headers, &Occupancy { hotel_id, nights })
}

fn read_night(row: &sqlx::postgres::PgRow, currency: &str) -> Result<OccupancyNight, sqlx::Error> {
    let (rooms, reserved): (i64, i64) = (row.try_get("rooms")?, row.try_get("reserved")?);
    let revenue: i64 = row.try_get("revenue")?;
    let rate = match rooms {
        0 => 0.0,
        rooms => (reserved as f64 / rooms as f64 * 10_000.0).round() / 10_000.0,
    };
    Ok(OccupancyNight {
        date: row.try_get("night")?,
        rooms,
        reserved,
        rate,
        revenue: json!({ "amount": revenue, "currency": currency }),
    })
}
