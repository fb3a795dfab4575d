//! Where the caller is signed in.

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::identity::CONTEXT;
use serde::Serialize;
use service_kit::access::{Caller, CallerSession};
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::App;
use crate::answer::{Known, view};
use crate::fresh::Fresh;
use crate::query::{Columns, FromRow, Sql, Unreadable};

/// A session.
#[derive(Debug, Serialize, ToSchema)]
pub struct Session {
    id: Uuid,
    /// The program that was used, as it calls itself.
    agent: Option<String>,
    started_at: DateTime<Utc>,
    /// When it was last gone on with.
    continued_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    /// Whether it is the one that asks.
    current: bool,
}

impl FromRow for Session {
    fn from_row(row: &mut Columns<'_>) -> Result<Self, Unreadable> {
        Ok(Self {
            id: row.read()?,
            agent: row.read()?,
            started_at: row.read()?,
            continued_at: row.read()?,
            expires_at: row.read()?,
            current: false,
        })
    }
}

/// The caller's sessions, all of them (there are 20 at most), the last one used first.
#[utoipa::path(get, path = "/api/auth/sessions", tag = "identity",
    responses((status = 200, body = Vec<Session>), (status = 401, body = Problem)))]
pub async fn list_sessions(
    State(app): State<App>,
    Caller(actor): Caller,
    CallerSession(current): CallerSession,
    fresh: Fresh,
    known: Known,
) -> Result<Response, Problem> {
    app.contain(&fresh, CONTEXT, &["sessions"]).await?;
    let sql = "SELECT id, agent, started_at, continued_at, expires_at FROM sessions \
         WHERE account_id = $1 AND expires_at > now() ORDER BY continued_at DESC, id";
    let query = Sql::new(sql).bind(actor.account);
    let mut sessions: Vec<Session> = query.fetch_all(&app.tables).await?;
    for session in &mut sessions {
        session.current = current == Some(session.id);
    }
    view(&known, &sessions)
}
