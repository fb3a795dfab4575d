//! Wishes to sell, as an admin sees them.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::identity::CONTEXT;
use domain::identity::seller_request::Status;
use serde::{Deserialize, Serialize};
use service_kit::extract::{Path, Query};
use service_kit::problem::Problem;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::App;
use crate::answer::{Known, versioned, view};
use crate::as_of::AsOfQuery;
use crate::fresh::Fresh;
use crate::list::{Asked, List, Ordering, Page, Paging};
use crate::query::{Columns, FromRow, Sql, Unreadable};

const LIST: List = List {
    table: "seller_requests",
    columns: COLUMNS,
    orderings: &[Ordering::time("requested_at", "requested_at")],
};

/// A wish to sell.
#[derive(Debug, Serialize, ToSchema)]
pub struct SellerRequestView {
    id: Uuid,
    version: i64,
    /// The account that was made for it.
    account_id: Uuid,
    /// What was said beside it; null when nothing was, or once it was erased.
    message: Option<String>,
    /// pending, approved, rejected or withdrawn.
    status: String,
    /// Why it was rejected.
    reason: Option<String>,
    requested_at: DateTime<Utc>,
    settled_at: Option<DateTime<Utc>>,
}

/// The columns of a request, in the order in which they are read.
const COLUMNS: &str = "id, version, account_id, message, status, reason, requested_at, settled_at";

impl FromRow for SellerRequestView {
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            id: row.read()?,
            version: row.read()?,
            account_id: row.read()?,
            message: row.read()?,
            status: row.read()?,
            reason: row.read()?,
            requested_at: row.read()?,
            settled_at: row.read()?,
        })
    }
}

/// Which requests are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SellerRequestsQuery {
    /// Which page, from 1.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
    /// Goes on where a page ended: its `next_cursor`, in the same order; empty for the beginning.
    /// Nothing is counted then. Not together with page.
    cursor: Option<String>,
    /// requested_at; a - before it turns it round.
    ordering: Option<String>,
    /// Those that stand there: pending, approved, rejected or withdrawn.
    #[param(value_type = Option<String>)]
    status: Option<Status>,
    /// For admins: as of this position or time (RFC 3339).
    pub as_of: Option<String>,
}

impl SellerRequestsQuery {
    fn part(&self) -> Asked<'_> {
        Asked {
            page: self.page,
            size: self.page_size,
            ordering: self.ordering.as_deref(),
            cursor: self.cursor.as_deref(),
        }
    }
}

/// Wishes to sell, page by page.
#[utoipa::path(get, path = "/api/admin/seller-requests", tag = "identity",
    params(SellerRequestsQuery),
    responses((status = 200, body = Page<SellerRequestView>), (status = 400, body = Problem),
        (status = 409, body = Problem)))]
pub async fn list_seller_requests(
    State(app): State<App>,
    fresh: Fresh,
    known: Known,
    uri: Uri,
    Query(asked): Query<SellerRequestsQuery>,
) -> Result<Response, Problem> {
    let paging = Paging::parse(&LIST, asked.part())?;
    let tables = app
        .tables_for(&fresh, CONTEXT, &["seller_requests"])
        .await?;
    let mut filter = Sql::new("WHERE true");
    if let Some(status) = asked.status {
        let status = status.to_string();
        filter.push(" AND status = ").push_bind(status.as_str());
    }
    let (around, results) = paging.fetch::<SellerRequestView>(&tables, filter).await?;
    view(&known, &paging.page(&uri, around, results))
}

/// One wish to sell.
#[utoipa::path(get, path = "/api/admin/seller-requests/{id}", tag = "identity",
    params(("id" = Uuid, Path,), AsOfQuery),
    responses((status = 200, body = SellerRequestView), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn show_seller_request(
    State(app): State<App>,
    fresh: Fresh,
    known: Known,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let tables = app
        .tables_for_streams(&fresh, CONTEXT, &["seller_requests"], async |_| {
            Ok(vec![id])
        })
        .await?;
    let sql = format!("SELECT {COLUMNS} FROM seller_requests WHERE id = $1");
    let query = Sql::new(sql).bind(id);
    let found: Option<SellerRequestView> = query.fetch_optional(&tables).await?;
    let found = found.ok_or_else(|| {
        Problem::unknown("seller-request-unknown", "there is no such seller request")
    })?;
    versioned(&known, found.version, &found)
}
