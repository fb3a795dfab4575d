//! The caller's own account.

use axum::extract::State;
use axum::response::Response;
use domain::identity::CONTEXT;
use serde::Serialize;
use service_kit::access::Caller;
use service_kit::problem::Problem;
use utoipa::ToSchema;

use super::users::{COLUMNS, User, unknown};
use crate::App;
use crate::answer::{Known, versioned};
use crate::fresh::Fresh;
use crate::query::{Columns, FromRow, Sql, Unreadable};

/// An account, and what its owner tells.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    #[serde(flatten)]
    user: User,
    first_name: Option<String>,
    last_name: Option<String>,
    phone: Option<String>,
    address: Option<String>,
    gender: Option<String>,
    bio: Option<String>,
}

impl FromRow for Me {
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            user: User::from_row(row)?,
            first_name: row.read()?,
            last_name: row.read()?,
            phone: row.read()?,
            address: row.read()?,
            gender: row.read()?,
            bio: row.read()?,
        })
    }
}

/// The account that is signed in.
#[utoipa::path(get, path = "/api/auth/me", tag = "identity",
    responses((status = 200, body = Me), (status = 401, body = Problem)))]
pub async fn me(
    State(app): State<App>,
    Caller(actor): Caller,
    fresh: Fresh,
    known: Known,
) -> Result<Response, Problem> {
    app.contain(&fresh, CONTEXT, &["accounts", "profiles"])
        .await?;
    let sql = format!(
        "SELECT {COLUMNS}, first_name, last_name, phone, address, gender, bio \
         FROM accounts LEFT JOIN profiles USING (id) WHERE id = $1"
    );
    let query = Sql::new(sql).bind(actor.account);
    let me: Option<Me> = query.fetch_optional(&app.tables).await?;
    let me = me.ok_or_else(unknown)?;
    versioned(&known, me.user.version, &me)
}
