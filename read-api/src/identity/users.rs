//! Accounts as an admin sees them.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::actor::Role;
use domain::identity::CONTEXT;
use serde::{Deserialize, Serialize};
use service_kit::extract::{Path, Query};
use service_kit::problem::Problem;
use service_kit::shapes::RoleShape;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::App;
use crate::answer::{Known, versioned, view};
use crate::as_of::AsOfQuery;
use crate::fresh::Fresh;
use crate::list::{Asked, List, Ordering, Page, Paging, check_text, pattern};
use crate::query::{Columns, FromRow, Json, Sql, Unreadable};

const LIST: List = List {
    table: "accounts",
    columns: COLUMNS,
    orderings: &[
        Ordering::time("registered_at", "registered_at"),
        Ordering::text("email", "email").or_null(),
        Ordering::text("name", "name").or_null(),
    ],
};

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: Uuid,
    /// Its version.
    pub version: i64,
    /// Where it is reached; null once it was erased.
    pub email: Option<String>,
    /// What its owner is called; null once it was erased.
    pub name: Option<String>,
    /// What it may be.
    #[schema(value_type = Vec<RoleShape>)]
    pub roles: Vec<Role>,
    /// Whether it may sign in.
    pub active: bool,
    /// When it was registered.
    pub registered_at: DateTime<Utc>,
}

/// The columns of an account, in the order in which they are read.
pub(super) const COLUMNS: &str = "id, version, email, name, roles, active, registered_at";

impl FromRow for User {
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            id: row.read()?,
            version: row.read()?,
            email: row.read()?,
            name: row.read()?,
            roles: row.read::<Json<_>>()?.0,
            active: row.read()?,
            registered_at: row.read()?,
        })
    }
}

/// Which accounts are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UsersQuery {
    /// Which page, from 1.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
    /// Goes on where a page ended: its `next_cursor`, in the same order; empty for the beginning.
    /// Nothing is counted then. Not together with page.
    cursor: Option<String>,
    /// Found anywhere in e-mail or name.
    search: Option<String>,
    /// registered_at, email or name; a - before it turns it round.
    ordering: Option<String>,
    /// Those that hold this role.
    #[param(value_type = Option<RoleShape>)]
    role: Option<Role>,
    /// Those that may sign in, or may not.
    active: Option<bool>,
    /// For admins: as of this position or time (RFC 3339).
    pub as_of: Option<String>,
}

impl UsersQuery {
    fn part(&self) -> Asked<'_> {
        Asked {
            page: self.page,
            size: self.page_size,
            ordering: self.ordering.as_deref(),
            cursor: self.cursor.as_deref(),
        }
    }
}

/// Accounts, page by page.
#[utoipa::path(get, path = "/api/admin/users", tag = "identity", params(UsersQuery),
    responses((status = 200, body = Page<User>), (status = 400, body = Problem),
        (status = 409, body = Problem)))]
pub async fn list_users(
    State(app): State<App>,
    fresh: Fresh,
    known: Known,
    uri: Uri,
    Query(asked): Query<UsersQuery>,
) -> Result<Response, Problem> {
    let paging = Paging::parse(&LIST, asked.part())?;
    check_text(asked.search.as_deref())?;
    let tables = app.tables_for(&fresh, CONTEXT, &["accounts"]).await?;
    let (around, users) = paging.fetch::<User>(&tables, filter(&asked)).await?;
    view(&known, &paging.page(&uri, around, users))
}

fn filter(asked: &UsersQuery) -> Sql {
    let mut query = Sql::new("WHERE true");
    if let Some(search) = &asked.search {
        let pattern = pattern(search);
        query.push(" AND (email ILIKE ").push_bind(pattern.as_str());
        query
            .push(" OR name ILIKE ")
            .push_bind(pattern.as_str())
            .push(")");
    }
    if let Some(role) = asked.role {
        query.push(" AND roles ? ").push_bind(<&str>::from(role));
    }
    if let Some(active) = asked.active {
        query.push(" AND active = ").push_bind(active);
    }
    query
}

/// One account.
#[utoipa::path(get, path = "/api/admin/users/{id}", tag = "identity",
    params(("id" = Uuid, Path,), AsOfQuery),
    responses((status = 200, body = User), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn show_user(
    State(app): State<App>,
    fresh: Fresh,
    known: Known,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let tables = app
        .tables_for_streams(&fresh, CONTEXT, &["accounts"], async |_| Ok(vec![id]))
        .await?;
    let sql = format!("SELECT {COLUMNS} FROM accounts WHERE id = $1");
    let user: Option<User> = Sql::new(sql).bind(id).fetch_optional(&tables).await?;
    let user = user.ok_or_else(unknown)?;
    versioned(&known, user.version, &user)
}

/// The problem that an account is which is not there.
pub(super) fn unknown() -> Problem {
    Problem::unknown("account-unknown", "there is no such account")
}
