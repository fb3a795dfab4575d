//! How many rooms are left, per room type and night.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::NaiveDate;
use domain::hotels::CONTEXT;
use domain::hotels::stay::Stay;
use serde::{Deserialize, Serialize};
use service_kit::extract::{Path, Query};
use service_kit::problem::Problem;
use sqlx::Row;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::hotel_list;
use crate::answer::view;
use crate::fresh::Fresh;
use crate::{App, database};

/// Rooms left in a hotel.
#[derive(Debug, Serialize, ToSchema)]
pub struct Availability {
    room_types: Vec<RoomTypeNights>,
}

/// Rooms left of one type.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomTypeNights {
    /// The code of the type.
    code: String,
    /// The nights asked for, in order.
    nights: Vec<Night>,
}

/// Rooms left for one night.
#[derive(Debug, Serialize, ToSchema)]
pub struct Night {
    /// The night.
    date: NaiveDate,
    /// How many rooms there are.
    total: i32,
    /// How many are reserved.
    reserved: i32,
    /// How many can still be booked, overbooking included.
    available: i32,
}

/// Which nights.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NightsQuery {
    /// The first night.
    from: NaiveDate,
    /// The day after the last night.
    to: NaiveDate,
}

/// The nights from `from` until before `to`.
///
/// # Errors
/// `400` when there is none, or more than a year of them.
pub(super) fn nights(from: NaiveDate, to: NaiveDate) -> Result<Stay, Problem> {
    Stay::parse(from, to).map_err(|_| Problem::malformed("ask for 1 to 366 nights: from before to"))
}

/// How many rooms are left of each type, for each night asked for.
#[utoipa::path(get, path = "/api/hotels/{id}/availability", tag = "hotels",
    params(("id" = Uuid, Path,), NightsQuery),
    responses((status = 200, body = Availability), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub async fn show_availability(
    State(app): State<App>,
    fresh: Fresh,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Query(asked): Query<NightsQuery>,
) -> Result<Response, Problem> {
    let stay = nights(asked.from, asked.to)?;
    let tables = ["hotels", "room_inventories", "nights"];
    app.contain(&fresh, CONTEXT, &tables).await?;
    hotel_list::find(&app, id).await?;
    let rows = sqlx::query(
        "SELECT room_type, asked.night::date AS night, count, COALESCE(reserved, 0) AS reserved, \
             GREATEST(count + overbooking_allowance - COALESCE(reserved, 0), 0) AS available \
         FROM room_inventories \
         CROSS JOIN generate_series($2::date, $3::date - 1, '1 day') AS asked (night) \
         LEFT JOIN nights ON nights.inventory_id = room_inventories.inventory_id \
             AND nights.night = asked.night::date \
         WHERE hotel_id = $1 AND open ORDER BY room_type, asked.night",
    )
    .bind(id)
    .bind(stay.check_in)
    .bind(stay.check_out)
    .fetch_all(&app.read)
    .await
    .map_err(database)?;
    let mut room_types: Vec<RoomTypeNights> = Vec::new();
    for row in rows {
        let (code, night) = read_night(&row).map_err(database)?;
        match room_types.last_mut() {
            Some(last) if last.code == code => last.nights.push(night),
            _ => room_types.push(RoomTypeNights {
                code,
                nights: vec![night],
            }),
        }
    }
    view(&headers, &Availability { room_types })
}

fn read_night(row: &sqlx::postgres::PgRow) -> Result<(String, Night), sqlx::Error> {
    let night = Night {
        date: row.try_get("night")?,
        total: row.try_get("count")?,
        reserved: row.try_get("reserved")?,
        available: row.try_get("available")?,
    };
    Ok((row.try_get("room_type")?, night))
}
