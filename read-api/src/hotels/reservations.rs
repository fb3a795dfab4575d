//! Reservations: a guest's own, a hotelier's hotels', an admin's all.

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
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
use sqlx::{Postgres, QueryBuilder};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::answer::{versioned, view};
use crate::fresh::Fresh;
use crate::list::{Page, Paging, count, push_ordering};
use crate::{App, database};

const ORDERINGS: &[(&str, &str)] = &[
    ("check_in", "check_in"),
    ("check_out", "check_out"),
    ("booked_at", "booked_at"),
    ("total", "total_amount"),
];

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

/// A row of `reservations`.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct ReservationRow {
    id: Uuid,
    version: i64,
    hotel_id: Uuid,
    booked_by: Uuid,
    status: String,
    room_type: String,
    check_in: NaiveDate,
    check_out: NaiveDate,
    rooms: i32,
    adults: i32,
    children: i32,
    price_amount: i64,
    total_amount: i64,
    currency: String,
    booked_at: DateTime<Utc>,
    checked_in_on: Option<NaiveDate>,
    checked_out_on: Option<NaiveDate>,
}

impl From<ReservationRow> for ReservationView {
    fn from(row: ReservationRow) -> Self {
        let money = |amount| MoneyShape {
            amount,
            currency: row.currency.clone(),
        };
        Self {
            price_per_night: money(row.price_amount),
            total: money(row.total_amount),
            id: row.id,
            version: row.version,
            hotel_id: row.hotel_id,
            booked_by: row.booked_by,
            status: row.status,
            room_type: row.room_type,
            check_in: row.check_in,
            check_out: row.check_out,
            rooms: row.rooms,
            adults: row.adults,
            children: row.children,
            booked_at: row.booked_at,
            checked_in_on: row.checked_in_on,
            checked_out_on: row.checked_out_on,
        }
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
}

/// Reservations, page by page: a guest's own, a hotelier's hotels', an admin's all.
#[utoipa::path(get, path = "/api/reservations", tag = "hotels", params(ReservationsQuery),
    responses((status = 200, body = Page<ReservationView>), (status = 400, body = Problem)))]
pub async fn list_reservations(
    State(app): State<App>,
    Caller(actor): Caller,
    fresh: Fresh,
    headers: HeaderMap,
    uri: Uri,
    Query(asked): Query<ReservationsQuery>,
) -> Result<Response, Problem> {
    let paging = Paging::parse(asked.page, asked.page_size)?;
    let mut page = QueryBuilder::new("SELECT reservations.* FROM reservations");
    filter(&mut page, &asked, &actor);
    push_ordering(&mut page, asked.ordering.as_deref(), ORDERINGS)?;
    paging.push(&mut page);
    app.contain(&fresh, CONTEXT, &["reservations", "hotels"])
        .await?;
    let mut all = QueryBuilder::new("SELECT count(*) FROM reservations");
    filter(&mut all, &asked, &actor);
    let count = count(&app.read, &mut all).await?;
    let rows: Vec<ReservationRow> = page
        .build_query_as()
        .fetch_all(&app.read)
        .await
        .map_err(database)?;
    let results: Vec<ReservationView> = rows.into_iter().map(Into::into).collect();
    view(&headers, &paging.page(&uri, count, results))
}

/// One reservation.
#[utoipa::path(get, path = "/api/reservations/{id}", tag = "hotels",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = ReservationView), (status = 403, body = Problem),
        (status = 404, body = Problem)))]
pub async fn show_reservation(
    State(app): State<App>,
    Caller(actor): Caller,
    fresh: Fresh,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    app.contain(&fresh, CONTEXT, &["reservations", "hotels"])
        .await?;
    let row = find(&app, &actor, id).await?;
    versioned(&headers, row.version, &ReservationView::from(row))
}

/// The reservation `id`; `404` when there is none, `403` when it is not the caller's to see.
pub(super) async fn find(app: &App, actor: &Actor, id: Uuid) -> Result<ReservationRow, Problem> {
    let row: Option<ReservationRow> = sqlx::query_as("SELECT * FROM reservations WHERE id = $1")
        .bind(id)
        .fetch_optional(&app.read)
        .await
        .map_err(database)?;
    let row =
        row.ok_or_else(|| Problem::unknown("reservation-unknown", "there is no such reservation"))?;
    if actor.may_act_for(row.booked_by) || owns(app, actor, row.hotel_id).await? {
        return Ok(row);
    }
    Err(Problem::forbidden("the reservation is another account's"))
}

/// Whether the hotel is the caller's own.
pub(super) async fn owns(app: &App, actor: &Actor, hotel: Uuid) -> Result<bool, Problem> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM hotels WHERE id = $1 AND owner = $2)")
        .bind(hotel)
        .bind(actor.account)
        .fetch_one(&app.read)
        .await
        .map_err(database)
}

fn filter(query: &mut QueryBuilder<'_, Postgres>, asked: &ReservationsQuery, actor: &Actor) {
    query.push(" WHERE true");
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
}
