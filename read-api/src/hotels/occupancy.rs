//! The dashboard of a hotel: how full each night is, and what it brings.

use axum::extract::State;
use axum::response::Response;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service_kit::access::Caller;
use service_kit::extract::Query;
use service_kit::problem::Problem;
use service_kit::shapes::MoneyShape;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::availability::nights;
use super::{hotel_list, tables};
use crate::App;
use crate::answer::{Known, view};
use crate::fresh::Fresh;
use crate::query::{Columns, FromRow, Sql, Unreadable};

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
    /// For admins: as of this position or time (RFC 3339).
    pub as_of: Option<String>,
}

/// Rooms, reserved rooms, rate and revenue of each night.
#[utoipa::path(get, path = "/api/dashboard/occupancy", tag = "hotels", params(OccupancyQuery),
    responses((status = 200, body = Occupancy), (status = 400, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn show_occupancy(
    State(app): State<App>,
    Caller(actor): Caller,
    fresh: Fresh,
    known: Known,
    Query(asked): Query<OccupancyQuery>,
) -> Result<Response, Problem> {
    let stay = nights(asked.from, asked.to)?;
    let tables = tables::of_one_hotel(&app, &fresh, asked.hotel_id).await?;
    let hotel = hotel_list::find(&tables, asked.hotel_id).await?;
    if !actor.may_act_for(hotel.owner) {
        return Err(Problem::forbidden("the hotel is another account's"));
    }
    let nights: Vec<NightRow> = Sql::new(
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
    .fetch_all(&tables)
    .await?;
    let nights = nights.into_iter();
    let nights = nights.map(|night| night.view(hotel.currency())).collect();
    let hotel_id = asked.hotel_id;
    view(&known, &Occupancy { hotel_id, nights })
}

/// A row of the query.
struct NightRow {
    date: NaiveDate,
    rooms: i64,
    reserved: i64,
    revenue: i64,
}

impl FromRow for NightRow {
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            date: row.read()?,
            rooms: row.read()?,
            reserved: row.read()?,
            revenue: row.read()?,
        })
    }
}

impl NightRow {
    fn view(self, currency: &str) -> OccupancyNight {
        let rate = match self.rooms {
            0 => 0.0,
            rooms => (self.reserved as f64 / rooms as f64 * 10_000.0).round() / 10_000.0,
        };
        OccupancyNight {
            date: self.date,
            rooms: self.rooms,
            reserved: self.reserved,
            rate,
            revenue: json!({ "amount": self.revenue, "currency": currency }),
        }
    }
}
