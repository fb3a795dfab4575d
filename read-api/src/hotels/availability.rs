//! How many rooms are left, per room type and night.

use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use domain::hotels::stay::Stay;
use serde::{Deserialize, Serialize};
use service_kit::extract::{Path, Query};
use service_kit::problem::Problem;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{hotel_list, tables};
use crate::App;
use crate::answer::{Known, view};
use crate::fresh::Fresh;
use crate::query::{Columns, FromRow, Sql, Unreadable};

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
    /// For admins: as of this position or time (RFC 3339).
    pub as_of: Option<String>,
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
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn show_availability(
    State(app): State<App>,
    fresh: Fresh,
    known: Known,
    Path(id): Path<Uuid>,
    Query(asked): Query<NightsQuery>,
) -> Result<Response, Problem> {
    let stay = nights(asked.from, asked.to)?;
    let tables = tables::of_one_hotel(&app, &fresh, id).await?;
    hotel_list::find(&tables, id).await?;
    let rows: Vec<(String, Night)> = Sql::new(
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
    .fetch_all(&tables)
    .await?;
    let mut room_types: Vec<RoomTypeNights> = Vec::new();
    for (code, night) in rows {
        match room_types.last_mut() {
            Some(last) if last.code == code => last.nights.push(night),
            _ => room_types.push(RoomTypeNights {
                code,
                nights: vec![night],
            }),
        }
    }
    view(&known, &Availability { room_types })
}

impl FromRow for (String, Night) {
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        let code = row.read()?;
        let night = Night {
            date: row.read()?,
            total: row.read()?,
            reserved: row.read()?,
            available: row.read()?,
        };
        Ok((code, night))
    }
}
