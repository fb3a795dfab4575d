//! Reservations: a guest's own, a hotelier's hotels', an admin's all.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, Utc};
use domain::actor::{Actor, Role};
use domain::hotels::CONTEXT;
use domain::hotels::reservation::Status;
use serde::{Deserialize, Serialize};
use service_kit::access::Caller;
use service_kit::extract::{Path, Query};
use service_kit::problem::Problem;
use service_kit::shapes::MoneyShape;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::App;
use crate::answer::{Known, versioned, view};
use crate::as_of::AsOfQuery;
use crate::fresh::Fresh;
use crate::list::{Asked, List, Ordering, Page, Paging};
use crate::query::{Columns, FromRow, Sql, Tables, Unreadable};

pub(super) const TABLES: [&str; 2] = ["reservations", "hotels"];
const LIST: List = List {
    table: "reservations",
    columns: COLUMNS,
    orderings: &[
        Ordering::day("check_in", "check_in"),
        Ordering::day("check_out", "check_out"),
        Ordering::time("booked_at", "booked_at"),
        Ordering::number("total", "total_amount"),
    ],
};

/// A reservation.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReservationView {
    id: Uuid,
    version: i64,
    hotel_id: Uuid,
    /// The account that booked it.
    booked_by: Uuid,
    /// confirmed, checked_in, checked_out, cancelled or no_show.
    status: String,
    room_type: String,
    check_in: NaiveDate,
    check_out: NaiveDate,
    rooms: i32,
    adults: i32,
    children: i32,
    price_per_night: MoneyShape,
    total: MoneyShape,
    booked_at: DateTime<Utc>,
    /// The hotel's date.
    checked_in_on: Option<NaiveDate>,
    /// The hotel's date.
    checked_out_on: Option<NaiveDate>,
}

/// The columns of a reservation, in the order in which they are read.
const COLUMNS: &str = "id, version, hotel_id, booked_by, status, room_type, check_in, check_out, \
     rooms, adults, children, price_amount, total_amount, currency, booked_at, checked_in_on, \
     checked_out_on";

impl FromRow for ReservationView {
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        let id = row.read()?;
        let version = row.read()?;
        let hotel_id = row.read()?;
        let booked_by = row.read()?;
        let status = row.read()?;
        let room_type = row.read()?;
        let check_in = row.read()?;
        let check_out = row.read()?;
        let rooms = row.read()?;
        let adults = row.read()?;
        let children = row.read()?;
        let (price, total): (i64, i64) = (row.read()?, row.read()?);
        let currency: String = row.read()?;
        let money = |amount| MoneyShape {
            amount,
            currency: currency.clone(),
        };
        Ok(Self {
            id,
            version,
            hotel_id,
            booked_by,
            status,
            room_type,
            check_in,
            check_out,
            rooms,
            adults,
            children,
            price_per_night: money(price),
            total: money(total),
            booked_at: row.read()?,
            checked_in_on: row.read()?,
            checked_out_on: row.read()?,
        })
    }
}

/// Which reservations are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReservationsQuery {
    /// Which page, from 1.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
    /// Goes on where a page ended: its `next_cursor`, in the same order; empty for the beginning.
    /// Nothing is counted then. Not together with page.
    cursor: Option<String>,
    /// check_in, check_out, booked_at or total; a - before it turns it round.
    ordering: Option<String>,
    /// Those of this hotel.
    hotel_id: Option<Uuid>,
    /// Those that stand there: confirmed, checked_in, checked_out, cancelled or no_show.
    #[param(value_type = Option<String>)]
    status: Option<Status>,
    /// Those that begin on this day or later.
    check_in_from: Option<NaiveDate>,
    /// Those that begin on this day or earlier.
    check_in_to: Option<NaiveDate>,
    /// For admins: as of this position or time (RFC 3339).
    pub as_of: Option<String>,
}

impl ReservationsQuery {
    fn part(&self) -> Asked<'_> {
        Asked {
            page: self.page,
            size: self.page_size,
            ordering: self.ordering.as_deref(),
            cursor: self.cursor.as_deref(),
        }
    }
}

/// Reservations, page by page: a guest's own, a hotelier's hotels', an admin's all.
#[utoipa::path(get, path = "/api/reservations", tag = "hotels", params(ReservationsQuery),
    responses((status = 200, body = Page<ReservationView>), (status = 400, body = Problem),
        (status = 409, body = Problem)))]
pub async fn list_reservations(
    State(app): State<App>,
    Caller(actor): Caller,
    fresh: Fresh,
    known: Known,
    uri: Uri,
    Query(asked): Query<ReservationsQuery>,
) -> Result<Response, Problem> {
    let paging = Paging::parse(&LIST, asked.part())?;
    let tables = app.tables_for(&fresh, CONTEXT, &TABLES).await?;
    let filter = filter(&asked, &actor);
    let (around, results) = paging.fetch::<ReservationView>(&tables, filter).await?;
    view(&known, &paging.page(&uri, around, results))
}

/// One reservation.
#[utoipa::path(get, path = "/api/reservations/{id}", tag = "hotels",
    params(("id" = Uuid, Path,), AsOfQuery),
    responses((status = 200, body = ReservationView), (status = 403, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub async fn show_reservation(
    State(app): State<App>,
    Caller(actor): Caller,
    fresh: Fresh,
    known: Known,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    // Whose the hotel is makes no difference to an admin, and only an admin asks about the past.
    let streams = async |_| Ok(vec![id]);
    let tables = app
        .tables_for_streams(&fresh, CONTEXT, &TABLES, streams)
        .await?;
    let reservation = find(&tables, &actor, id).await?;
    versioned(&known, reservation.version, &reservation)
}

/// The reservation `id`; `404` when there is none, `403` when it is not the caller's to see.
pub(super) async fn find(
    tables: &Tables,
    actor: &Actor,
    id: Uuid,
) -> Result<ReservationView, Problem> {
    let sql = format!("SELECT {COLUMNS} FROM reservations WHERE id = $1");
    let found: Option<ReservationView> = Sql::new(sql).bind(id).fetch_optional(tables).await?;
    let found = found
        .ok_or_else(|| Problem::unknown("reservation-unknown", "there is no such reservation"))?;
    if actor.may_act_for(found.booked_by) || owns(tables, actor, found.hotel_id).await? {
        return Ok(found);
    }
    Err(Problem::forbidden("the reservation is another account's"))
}

/// Whether the hotel is the caller's own.
async fn owns(tables: &Tables, actor: &Actor, hotel: Uuid) -> Result<bool, Problem> {
    let sql = "SELECT EXISTS (SELECT FROM hotels WHERE id = $1 AND owner = $2)";
    let query = Sql::new(sql).bind(hotel).bind(actor.account);
    let (owns,) = query.fetch_one(tables).await?;
    Ok(owns)
}

fn filter(asked: &ReservationsQuery, actor: &Actor) -> Sql {
    let mut query = Sql::new("WHERE true");
    if !actor.is(Role::Admin) {
        query.push(" AND (booked_by = ").push_bind(actor.account);
        query.push(" OR hotel_id IN (SELECT hotels.id FROM hotels WHERE owner = ");
        query.push_bind(actor.account).push("))");
    }
    if let Some(hotel) = asked.hotel_id {
        query.push(" AND hotel_id = ").push_bind(hotel);
    }
    if let Some(status) = asked.status {
        query.push(" AND status = ").push_bind(<&str>::from(status));
    }
    if let Some(from) = asked.check_in_from {
        query.push(" AND check_in >= ").push_bind(from);
    }
    if let Some(to) = asked.check_in_to {
        query.push(" AND check_in <= ").push_bind(to);
    }
    query
}
