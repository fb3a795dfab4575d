//! Hotels: the list and one of them, with the rooms that are left.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use domain::hotels::CONTEXT;
use domain::hotels::hotel::RoomType;
use domain::hotels::stay::Stay;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::extract::{Path, Query};
use service_kit::problem::Problem;
use service_kit::shapes::MoneyShape;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::availability::nights;
use super::tables::{TABLES, of_one_hotel};
use crate::App;
use crate::answer::{Known, versioned_view, view};
use crate::as_of::AsOfQuery;
use crate::fresh::Fresh;
use crate::list::{Asked, List, Ordering, Page, Paging, check_text, pattern};
use crate::query::{Columns, FromRow, Json, Sql, Tables, Unreadable};

const LIST: List = List {
    table: "hotels",
    columns: COLUMNS,
    orderings: &[
        Ordering::text("name", "name"),
        Ordering::text("city", "city"),
        Ordering::number("price", "price_amount"),
        Ordering::number("rating", "rating"),
        Ordering::time("created_at", "created_at"),
    ],
};

/// A hotel.
#[derive(Debug, Serialize, ToSchema)]
pub struct HotelView {
    id: Uuid,
    version: i64,
    /// The account that runs it.
    owner: Uuid,
    name: String,
    city: String,
    time_zone: String,
    rating: i16,
    is_active: bool,
    #[schema(value_type = Vec<RoomTypeView>)]
    room_types: Vec<RoomType>,
    overbooking_allowance: i32,
    /// The lowest price of a night.
    #[schema(value_type = MoneyShape)]
    price_per_night: Value,
    /// Rooms that can be booked for every night asked for; for tonight when none was.
    available_rooms: i64,
    created_at: DateTime<Utc>,
}

/// A kind of room.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoomTypeView {
    code: String,
    name: String,
    capacity: u32,
    count: u32,
    price_per_night: MoneyShape,
}

/// A row of `hotels`.
#[derive(Debug)]
pub(super) struct HotelRow {
    id: Uuid,
    version: i64,
    pub(super) owner: Uuid,
    name: String,
    city: String,
    time_zone: String,
    rating: i16,
    is_active: bool,
    room_types: Vec<RoomType>,
    overbooking_allowance: i32,
    price_amount: i64,
    price_currency: String,
    created_at: DateTime<Utc>,
}

/// The columns of a hotel, in the order in which they are read.
const COLUMNS: &str = "id, version, owner, name, city, time_zone, rating, is_active, room_types, \
     overbooking_allowance, price_amount, price_currency, created_at";

impl FromRow for HotelRow {
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            id: row.read()?,
            version: row.read()?,
            owner: row.read()?,
            name: row.read()?,
            city: row.read()?,
            time_zone: row.read()?,
            rating: row.read()?,
            is_active: row.read()?,
            room_types: row.read::<Json<_>>()?.0,
            overbooking_allowance: row.read()?,
            price_amount: row.read()?,
            price_currency: row.read()?,
            created_at: row.read()?,
        })
    }
}

impl HotelRow {
    pub(super) fn currency(&self) -> &str {
        &self.price_currency
    }

    fn tonight(&self, now: DateTime<Utc>) -> Result<Stay, Problem> {
        let zone: Tz = self
            .time_zone
            .parse()
            .map_err(|error| Problem::fault("a hotel's time zone", &error))?;
        let today = now.with_timezone(&zone).date_naive();
        let check_out = today.checked_add_days(Days::new(1)).unwrap_or(today);
        Ok(Stay {
            check_in: today,
            check_out,
        })
    }

    fn view(self, available_rooms: i64) -> HotelView {
        let price = serde_json::json!({
            "amount": self.price_amount, "currency": self.price_currency,
        });
        HotelView {
            id: self.id,
            version: self.version,
            owner: self.owner,
            name: self.name,
            city: self.city,
            time_zone: self.time_zone,
            rating: self.rating,
            is_active: self.is_active,
            room_types: self.room_types,
            overbooking_allowance: self.overbooking_allowance,
            price_per_night: price,
            available_rooms,
            created_at: self.created_at,
        }
    }
}

/// Which hotels are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HotelsQuery {
    /// Which page, from 1.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
    /// Goes on where a page ended: its `next_cursor`, in the same order; empty for the beginning.
    /// Nothing is counted then. Not together with page.
    cursor: Option<String>,
    /// Found anywhere in name or city.
    search: Option<String>,
    /// name, city, price, rating or created_at; a - before it turns it round.
    ordering: Option<String>,
    /// Those in this city, whatever its case.
    city: Option<String>,
    /// Those that have a room for every night from this one …
    available_from: Option<NaiveDate>,
    /// … until before this day.
    available_to: Option<NaiveDate>,
    /// Those that have a room for so many guests.
    #[param(minimum = 1)]
    guests: Option<i32>,
    /// For admins: as of this position or time (RFC 3339).
    pub as_of: Option<String>,
}

impl HotelsQuery {
    fn part(&self) -> Asked<'_> {
        Asked {
            page: self.page,
            size: self.page_size,
            ordering: self.ordering.as_deref(),
            cursor: self.cursor.as_deref(),
        }
    }

    fn stay(&self) -> Result<Option<Stay>, Problem> {
        match (self.available_from, self.available_to) {
            (None, None) => Ok(None),
            (Some(from), Some(to)) => nights(from, to).map(Some),
            _ => Err(Problem::malformed(
                "available_from and available_to go together",
            )),
        }
    }
}

/// Hotels, page by page.
#[utoipa::path(get, path = "/api/hotels", tag = "hotels", params(HotelsQuery),
    responses((status = 200, body = Page<HotelView>), (status = 400, body = Problem),
        (status = 409, body = Problem)))]
pub async fn list_hotels(
    State(app): State<App>,
    fresh: Fresh,
    known: Known,
    uri: Uri,
    Query(asked): Query<HotelsQuery>,
) -> Result<Response, Problem> {
    let paging = Paging::parse(&LIST, asked.part())?;
    check_text(asked.search.as_deref())?;
    check_text(asked.city.as_deref())?;
    check_guests(asked.guests)?;
    let stay = asked.stay()?;
    let tables = app.tables_for(&fresh, CONTEXT, &TABLES).await?;
    let filter = filter(&asked, stay);
    let (around, hotels) = paging.fetch(&tables, filter).await?;
    let results = with_rooms(&tables, hotels, stay, asked.guests).await?;
    view(&known, &paging.page(&uri, around, results))
}

fn check_guests(guests: Option<i32>) -> Result<(), Problem> {
    match guests {
        Some(guests) if guests < 1 => Err(Problem::malformed("guests are 1 or more")),
        _ => Ok(()),
    }
}

/// One hotel.
#[utoipa::path(get, path = "/api/hotels/{id}", tag = "hotels", params(("id" = Uuid, Path,), AsOfQuery),
    responses((status = 200, body = HotelView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn show_hotel(
    State(app): State<App>,
    fresh: Fresh,
    known: Known,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let tables = of_one_hotel(&app, &fresh, id).await?;
    let hotel = find(&tables, id).await?;
    let version = hotel.version;
    let mut views = with_rooms(&tables, vec![hotel], None, None).await?;
    versioned_view(&known, version, &views.swap_remove(0))
}

/// The hotel `id`, or `404`.
pub(super) async fn find(tables: &Tables, id: Uuid) -> Result<HotelRow, Problem> {
    let sql = format!("SELECT {COLUMNS} FROM hotels WHERE id = $1 AND NOT deleted");
    Sql::new(sql)
        .bind(id)
        .fetch_optional(tables)
        .await?
        .ok_or_else(|| Problem::unknown("hotel-unknown", "there is no such hotel"))
}

/// Room types of a hotel that take so many guests.
const FITTING: &str = "room_type IN (SELECT offered ->> 'code' \
     FROM jsonb_array_elements(hotels.room_types) AS offered \
     WHERE (offered ->> 'capacity')::integer >= ";

fn filter(asked: &HotelsQuery, stay: Option<Stay>) -> Sql {
    let mut query = Sql::new("WHERE NOT deleted");
    if let Some(city) = &asked.city {
        query
            .push(" AND lower(city) = lower(")
            .push_bind(city.as_str())
            .push(")");
    }
    if let Some(search) = &asked.search {
        let pattern = pattern(search);
        query.push(" AND (name ILIKE ").push_bind(pattern.as_str());
        query
            .push(" OR city ILIKE ")
            .push_bind(pattern.as_str())
            .push(")");
    }
    if stay.is_none() && asked.guests.is_none() {
        return query;
    }
    query.push(
        " AND EXISTS (SELECT FROM room_inventories \
         WHERE room_inventories.hotel_id = hotels.id AND open",
    );
    if let Some(guests) = asked.guests {
        query
            .push(" AND ")
            .push(FITTING)
            .push_bind(guests)
            .push(")");
    }
    if let Some(stay) = stay {
        // A night without a row has nothing reserved.
        query.push(
            " AND count + overbooking_allowance > 0 AND NOT EXISTS (SELECT FROM nights \
             WHERE nights.inventory_id = room_inventories.inventory_id \
             AND reserved >= count + room_inventories.overbooking_allowance AND night >= ",
        );
        query.push_bind(stay.check_in);
        query
            .push(" AND night < ")
            .push_bind(stay.check_out)
            .push(")");
    }
    query.push(")");
    query
}

/// Adds to each hotel how many rooms can be booked for every night of the stay, else for its own
/// tonight, in room types that take the guests.
async fn with_rooms(
    tables: &Tables,
    hotels: Vec<HotelRow>,
    stay: Option<Stay>,
    guests: Option<i32>,
) -> Result<Vec<HotelView>, Problem> {
    let now = tables.now();
    let mut ids = Vec::with_capacity(hotels.len());
    let (mut from, mut to) = (Vec::new(), Vec::new());
    for hotel in &hotels {
        let stay = stay.map_or_else(|| hotel.tonight(now), Ok)?;
        ids.push(hotel.id);
        from.push(stay.check_in);
        to.push(stay.check_out);
    }
    let sql = format!(
        "SELECT hotels.id, sum(rooms.bookable - rooms.taken)::bigint AS available \
         FROM unnest($1::uuid[], $2::date[], $3::date[]) AS asked (id, first, until) \
         JOIN hotels USING (id) \
         CROSS JOIN LATERAL (SELECT count + room_inventories.overbooking_allowance AS bookable, \
                 LEAST(count + room_inventories.overbooking_allowance, \
                     COALESCE((SELECT max(reserved) FROM nights \
                     WHERE nights.inventory_id = room_inventories.inventory_id \
                     AND night >= asked.first AND night < asked.until), 0)) AS taken \
             FROM room_inventories WHERE hotel_id = hotels.id AND open \
             AND ($4::integer IS NULL OR {FITTING} $4))) AS rooms \
         GROUP BY hotels.id"
    );
    let rows: Vec<(Uuid, i64)> = Sql::new(sql)
        .bind(&ids[..])
        .bind(&from[..])
        .bind(&to[..])
        .bind(guests)
        .fetch_all(tables)
        .await?;
    let available: HashMap<Uuid, i64> = rows.into_iter().collect();
    let view = |hotel: HotelRow| {
        let rooms = available.get(&hotel.id).copied().unwrap_or(0);
        hotel.view(rooms)
    };
    Ok(hotels.into_iter().map(view).collect())
}
