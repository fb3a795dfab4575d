//! Staying signed in, and signing out.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::Utc;
use domain::decisions::sign_in::{Presented, Refreshed, end_sessions, refresh_session};
use domain::identity::sessions::{EndedBecause, Sessions, Which, sessions_id};
use domain::streams::StreamId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use service_kit::access::{Caller, CallerSession};
use service_kit::cookies;
use service_kit::derived_token::Purpose;
use service_kit::extract::Path;
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::find::by_id;
use super::signed_in::{Mode, SignedIn, signed_in, without_cookies};
use crate::App;
use crate::answer::Answer;
use crate::execute::{Done, Target, execute};
use crate::request::{Envelope, Order, OrderWith};

/// What a session goes on by, or ends with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshBody {
    /// The refresh token that was given last; with cookies it is left out.
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
}

/// What is kept of a refresh, so that a retry is given the same token.
#[derive(Serialize, Deserialize)]
struct Kept {
    refreshed: Refreshed,
    token_id: Uuid,
}

/// Goes on with a session: gives a new access token and a new refresh token.
///
/// A refresh token is good once. One that comes again ends its session, whoever brings it; only a
/// retry with the same `Idempotency-Key` is given the same answer.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "identity", request_body = RefreshBody,
    responses((status = 200, body = SignedIn), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn refresh(
    State(app): State<App>,
    headers: HeaderMap,
    OrderWith(envelope, body): OrderWith<RefreshBody>,
) -> Result<Response, Problem> {
    let (presented, mode) = presented(&app, &headers, &body)?
        .ok_or_else(|| Problem::unauthorized("there is no refresh token"))?;
    let refreshed = go_on(&app, envelope, presented).await?;
    let account = by_id(&app, presented.account_id).await?;
    match (refreshed.refreshed, account) {
        (Refreshed::Continued, Some(account)) if account.active() => {
            let (id, session) = (presented.account_id, presented.session_id);
            signed_in(&app, mode, id, account, session, refreshed.token_id)
        }
        _ => {
            let over = Problem::unauthorized("the session is over; sign in again");
            Ok(without_cookies(mode, over))
        }
    }
}

async fn go_on(app: &App, envelope: Envelope, presented: Presented) -> Result<Kept, Problem> {
    let token_id = Uuid::now_v7();
    let now = Utc::now();
    let envelope = envelope.by(presented.account_id);
    let answer = execute(
        app,
        envelope,
        sessions_of(presented.account_id),
        move |streams| {
            let refreshed = refresh_session(streams, presented, token_id, now)?;
            Ok(Kept {
                refreshed,
                token_id,
            })
        },
    )
    .await?;
    let kept = serde_json::from_str(answer.stored.more.get());
    kept.map_err(|error| Problem::fault("a stored answer can't be read", &error))
}

/// Signs out: ends the session of the refresh token, else the one that the caller is in.
#[utoipa::path(post, path = "/api/auth/logout", tag = "identity", request_body = RefreshBody,
    responses((status = 200, body = Done), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn logout(
    State(app): State<App>,
    CallerSession(session): CallerSession,
    headers: HeaderMap,
    OrderWith(envelope, body): OrderWith<RefreshBody>,
) -> Result<Response, Problem> {
    let by_token = presented(&app, &headers, &body)?;
    let caller = envelope.actor.as_ref().map(|actor| actor.account);
    let (account_id, session_id, mode) = match (by_token, caller.zip(session)) {
        (Some((token, mode)), _) => (token.account_id, token.session_id, mode),
        (None, Some((account, session))) => {
            let cookies = cookies::read(&headers, cookies::ACCESS).is_some();
            (account, session, Mode::of(cookies))
        }
        (None, None) => return Err(Problem::unauthorized("nobody is signed in")),
    };
    let envelope = envelope.by(account_id);
    let end = Which::One(session_id);
    let answer = execute(&app, envelope, sessions_of(account_id), move |streams| {
        end_sessions(streams, account_id, end, EndedBecause::SignedOut)
    })
    .await?;
    Ok(without_cookies(mode, answer))
}

/// Ends one of the caller's sessions: what holds it can't go on.
#[utoipa::path(delete, path = "/api/auth/sessions/{id}", tag = "identity",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem)))]
pub async fn revoke_session(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    let account_id = actor.account;
    execute(&app, envelope, sessions_of(account_id), move |streams| {
        end_sessions(streams, account_id, Which::One(id), EndedBecause::Revoked)
    })
    .await
}

/// Ends all of the caller's sessions but the one that asks.
#[utoipa::path(delete, path = "/api/auth/sessions", tag = "identity",
    responses((status = 200, body = Done)))]
pub async fn revoke_sessions(
    State(app): State<App>,
    Caller(actor): Caller,
    CallerSession(session): CallerSession,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    let account_id = actor.account;
    let others = session.map_or(Which::All, Which::Others);
    execute(&app, envelope, sessions_of(account_id), move |streams| {
        end_sessions(streams, account_id, others, EndedBecause::Revoked)
    })
    .await
}

/// The refresh token that a request brings, in its body or as a cookie.
fn presented(
    app: &App,
    headers: &HeaderMap,
    body: &RefreshBody,
) -> Result<Option<(Presented, Mode)>, Problem> {
    let by_cookie = cookies::read(headers, cookies::REFRESH).filter(|token| !token.is_empty());
    let (token, mode) = match (&body.refresh_token, by_cookie) {
        (Some(token), _) => (token.expose_secret(), Mode::Bearer),
        (None, Some(token)) => (token, Mode::Cookies),
        (None, None) => return Ok(None),
    };
    let ids = app.derived.read(Purpose::Refresh, token);
    let Some([account_id, session_id, token_id]) = ids else {
        return Err(Problem::unauthorized("the refresh token is not valid"));
    };
    if mode == Mode::Cookies {
        cookies::check_csrf(headers, &app.tokens, Some(session_id))?;
    }
    let presented = Presented {
        account_id,
        session_id,
        token_id,
    };
    Ok(Some((presented, mode)))
}

fn sessions_of(account_id: Uuid) -> Target {
    Target::existing(StreamId::of::<Sessions>(sessions_id(account_id)))
}
