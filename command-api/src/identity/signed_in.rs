//! What somebody gets who is signed in: tokens, as an answer or as cookies.

use axum::Json;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use domain::actor::{Actor, Role};
use domain::identity::account::Registered;
use domain::identity::sessions::LIFETIME;
use serde::Serialize;
use service_kit::cookies::SessionCookies;
use service_kit::derived_token::Purpose;
use service_kit::problem::Problem;
use service_kit::shapes::RoleShape;
use service_kit::token::ACCESS_LIFETIME;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::App;

/// How tokens come and go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// In bodies and `Authorization`.
    Bearer,
    /// In cookies.
    Cookies,
}

impl Mode {
    pub(super) fn of(cookies: bool) -> Self {
        match cookies {
            true => Self::Cookies,
            false => Self::Bearer,
        }
    }
}

/// Somebody who is signed in.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// A bearer token for both APIs; absent when it is a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// `Bearer`, or `Cookie`.
    token_type: &'static str,
    /// How long the access token is good for, in seconds.
    expires_in: u64,
    /// What the next access token is got for, once; absent when it is a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    /// How long the refresh token is good for, in seconds.
    refresh_expires_in: i64,
    /// With cookies: what requests that change something bring as `X-CSRF-Token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
    /// The session, as it is listed.
    session_id: Uuid,
    /// Who signed in.
    user: User,
}

/// An account as its owner sees it.
#[derive(Serialize, ToSchema)]
pub struct User {
    id: Uuid,
    email: Option<String>,
    name: Option<String>,
    #[schema(value_type = Vec<RoleShape>)]
    roles: Vec<Role>,
}

/// The answer to somebody whose session goes on by the token `token_id`.
pub(super) fn signed_in(
    app: &App,
    mode: Mode,
    id: Uuid,
    account: Registered,
    session_id: Uuid,
    token_id: Uuid,
) -> Result<Response, Problem> {
    let actor = Actor {
        account: id,
        roles: account.roles.iter().copied().collect(),
    };
    let access_token = app
        .tokens
        .issue_in(session_id, &actor, Utc::now())
        .map_err(|error| Problem::fault("a token can't be signed", &error))?;
    let ids = [id, session_id, token_id];
    let refresh_token = app.derived.issue(Purpose::Refresh, ids);
    let mut body = SignedIn {
        access_token: Some(access_token),
        token_type: "Bearer",
        expires_in: ACCESS_LIFETIME.as_secs(),
        refresh_token: Some(refresh_token),
        refresh_expires_in: LIFETIME.num_seconds(),
        csrf_token: None,
        session_id,
        user: User {
            id,
            email: account.email.value.map(|email| email.as_str().to_owned()),
            name: account.name.value,
            roles: actor.roles,
        },
    };
    let tokens = match mode {
        Mode::Bearer => None,
        Mode::Cookies => {
            body.token_type = "Cookie";
            body.csrf_token = Some(app.tokens.csrf(session_id));
            body.access_token.take().zip(body.refresh_token.take())
        }
    };
    let csrf = body.csrf_token.clone().unwrap_or_default();
    let mut response = Json(body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some((access, refresh)) = tokens {
        let cookies = SessionCookies {
            access: (&access, ACCESS_LIFETIME.as_secs() as i64),
            refresh: (&refresh, LIFETIME.num_seconds()),
            csrf: &csrf,
        };
        cookies.set(headers);
    }
    Ok(response)
}

/// Takes the cookies away that the caller came with.
pub(super) fn without_cookies(mode: Mode, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if mode == Mode::Cookies {
        SessionCookies::GONE.set(response.headers_mut());
    }
    response
}
