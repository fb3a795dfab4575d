//! The shop's command, read table and queries.

use axum::extract::State;
use axum::response::Response;
use command_api::answer::Answer;
use command_api::execute::{Done, Target, execute};
use command_api::request::Order;
use domain::streams::StreamId;
use projections::runtime::{Happened, Projection};
use read_api::answer::{Known, view};
use read_api::fresh::Fresh;
use read_api::history;
use read_api::query::Sql;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service_kit::access::{Access, Routes, Whose};
use service_kit::extract::Path;
use service_kit::problem::Problem;
use utoipa_axum::routes;
use uuid::Uuid;

use super::shop_aggregate::{Come, Event, Shop};

pub const TABLE: &str =
    "CREATE TABLE shops (id uuid PRIMARY KEY, doors bigint NOT NULL, visitors bigint NOT NULL)";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    id: Uuid,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    id: Uuid,
    doors: i64,
    visitors: i64,
}

/// `shops`: a row a shop.
pub struct Shops;

impl Projection for Shops {
    const TABLE: &'static str = "shops";
    const VERSION: i32 = 1;
    type Of = Shop;
    type Key = Key;
    type Row = Row;

    fn keys(happened: &Happened<'_, Shop>) -> Vec<Key> {
        let id = happened.recorded.aggregate_id;
        vec![Key { id }]
    }

    fn apply(row: Option<Row>, key: &Key, happened: &Happened<'_, Shop>) -> Option<Row> {
        match happened.event {
            Event::ShopOpened { doors } => Some(Row {
                id: key.id,
                doors: doors.into(),
                visitors: 0,
            }),
            Event::PersonCame { .. } => row.map(|row| Row {
                visitors: row.visitors + 1,
                ..row
            }),
        }
    }
}

pub fn commands(routes: Routes<command_api::App>) -> Routes<command_api::App> {
    routes.allow(Access::SignedIn, Whose::Platform, routes!(visit))
}

pub fn queries(routes: Routes<read_api::App>) -> Routes<read_api::App> {
    routes
        .allow(Access::SignedIn, Whose::Platform, routes!(show_shop))
        .allow(
            Access::SignedIn,
            Whose::Platform,
            routes!(show_shop_history),
        )
}

/// Comes to a shop.
#[utoipa::path(post, path = "/api/shops/{id}/visits", tag = "toys", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done)))]
async fn visit(
    State(app): State<command_api::App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    let target = Target::existing(StreamId::of::<Shop>(id));
    execute(&app, envelope, target, move |streams| {
        streams.decide::<Shop>(id, Come)
    })
    .await
}

/// A shop.
#[utoipa::path(get, path = "/api/shops/{id}", tag = "toys", params(("id" = Uuid, Path,)),
    responses((status = 200)))]
async fn show_shop(
    State(app): State<read_api::App>,
    fresh: Fresh,
    known: Known,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    app.contain(&fresh, "toys", &["shops"]).await?;
    let (doors, visitors): (i64, i64) = Sql::new("SELECT doors, visitors FROM shops WHERE id = $1")
        .bind(id)
        .fetch_one(&app.tables)
        .await?;
    view(&known, &json!({ "doors": doors, "visitors": visitors }))
}

/// What happened to a shop.
#[utoipa::path(get, path = "/api/shops/{id}/history", tag = "toys",
    params(("id" = Uuid, Path,)), responses((status = 200)))]
async fn show_shop_history(
    State(app): State<read_api::App>,
    known: Known,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    view(&known, &history::of::<Shop>(&app, id).await?)
}
