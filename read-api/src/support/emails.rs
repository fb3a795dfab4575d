//! E-mails as an admin sees them.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::support::CONTEXT;
use domain::support::email::Status;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use service_kit::extract::{Path, Query};
use service_kit::problem::Problem;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::App;
use crate::answer::{Known, versioned, view};
use crate::as_of::AsOfQuery;
use crate::fresh::Fresh;
use crate::list::{Asked, List, Ordering, Page, Paging};
use crate::query::{Columns, FromRow, Json, Sql, Unreadable};

const LIST: List = List {
    table: "emails",
    columns: COLUMNS,
    orderings: &[Ordering::time("queued_at", "queued_at")],
};

/// An e-mail. What it says is written when it is sent, and kept nowhere.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmailView {
    id: Uuid,
    version: i64,
    /// The account that it is to.
    account_id: Uuid,
    /// Where that account is reached; null once it was erased.
    recipient: Option<String>,
    /// en or fr.
    language: String,
    /// What it says: confirm_email, reset_password, password_changed, …
    template: String,
    /// queued, sent or given_up.
    status: String,
    /// How often it was attempted.
    attempts: i64,
    /// Why the last attempt failed, or why it was given up.
    #[schema(value_type = Option<Object>)]
    trouble: Option<Value>,
    /// When it is attempted next.
    next_at: Option<DateTime<Utc>>,
    queued_at: DateTime<Utc>,
    /// When it was sent or given up.
    settled_at: Option<DateTime<Utc>>,
}

/// The columns of an e-mail, in the order in which they are read.
const COLUMNS: &str = "id, version, person, \
     (SELECT email FROM accounts WHERE accounts.id = emails.person), language, template, status, \
     attempts, trouble, next_at, queued_at, settled_at";

impl FromRow for EmailView {
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            id: row.read()?,
            version: row.read()?,
            account_id: row.read()?,
            recipient: row.read()?,
            language: row.read()?,
            template: row.read()?,
            status: row.read()?,
            attempts: row.read()?,
            trouble: row.read::<Option<Json<_>>>()?.map(|json| json.0),
            next_at: row.read()?,
            queued_at: row.read()?,
            settled_at: row.read()?,
        })
    }
}

/// Which e-mails are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EmailsQuery {
    /// Which page, from 1.
    #[param(minimum = 1)]
    page: Option<u32>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 100)]
    page_size: Option<u32>,
    /// Goes on where a page ended: its `next_cursor`, in the same order; empty for the beginning.
    /// Nothing is counted then. Not together with page.
    cursor: Option<String>,
    /// queued_at; a - before it turns it round.
    ordering: Option<String>,
    /// Those that stand there: queued, sent or given_up.
    #[param(value_type = Option<String>)]
    status: Option<Status>,
    /// Those to this account.
    account_id: Option<Uuid>,
    /// For admins: as of this position or time (RFC 3339).
    pub as_of: Option<String>,
}

impl EmailsQuery {
    fn part(&self) -> Asked<'_> {
        Asked {
            page: self.page,
            size: self.page_size,
            ordering: self.ordering.as_deref(),
            cursor: self.cursor.as_deref(),
        }
    }
}

/// E-mails, page by page.
#[utoipa::path(get, path = "/api/emails", tag = "support", params(EmailsQuery),
    responses((status = 200, body = Page<EmailView>), (status = 400, body = Problem),
        (status = 409, body = Problem)))]
pub async fn list_emails(
    State(app): State<App>,
    fresh: Fresh,
    known: Known,
    uri: Uri,
    Query(asked): Query<EmailsQuery>,
) -> Result<Response, Problem> {
    let paging = Paging::parse(&LIST, asked.part())?;
    let tables = app.tables_for(&fresh, CONTEXT, &["emails"]).await?;
    let mut filter = Sql::new("WHERE true");
    if let Some(status) = asked.status {
        let status = status.to_string();
        filter.push(" AND status = ").push_bind(status.as_str());
    }
    if let Some(account) = asked.account_id {
        filter.push(" AND person = ").push_bind(account);
    }
    let (around, results) = paging.fetch::<EmailView>(&tables, filter).await?;
    view(&known, &paging.page(&uri, around, results))
}

/// One e-mail.
#[utoipa::path(get, path = "/api/emails/{id}", tag = "support", params(("id" = Uuid, Path,), AsOfQuery),
    responses((status = 200, body = EmailView), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub async fn show_email(
    State(app): State<App>,
    fresh: Fresh,
    known: Known,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let tables = app
        .tables_for_streams(&fresh, CONTEXT, &["emails"], async |_| Ok(vec![id]))
        .await?;
    let query = Sql::new(format!("SELECT {COLUMNS} FROM emails WHERE id = $1")).bind(id);
    let found: Option<EmailView> = query.fetch_optional(&tables).await?;
    let found =
        found.ok_or_else(|| Problem::unknown("email-unknown", "there is no such e-mail"))?;
    versioned(&known, found.version, &found)
}
