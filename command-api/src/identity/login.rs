//! Signing in.

use axum::extract::State;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::Utc;
use domain::decisions::sign_in::sign_in;
use domain::identity::account::Standing;
use domain::identity::email::EmailAddress;
use domain::identity::sessions::{NewSession, Sessions, sessions_id};
use domain::streams::StreamId;
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::find::{by_email, email_claim_id};
use super::lockout;
use super::signed_in::{Mode, SignedIn, signed_in};
use crate::App;
use crate::execute::{Target, execute};
use crate::request::OrderWith;

/// What somebody signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// The e-mail address of the account, whatever its case.
    email: String,
    /// Its password.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
    /// For a page of a browser: the tokens are given as cookies that its scripts can't read.
    #[serde(default)]
    cookies: bool,
}

/// Signs in.
///
/// Every failure is `401` in one wording, whether the account exists or not, and costs the same; a
/// right password of an inactive account is `403`. After ten wrong passwords one has to wait.
#[utoipa::path(post, path = "/api/auth/login", tag = "identity", request_body = LoginBody,
    responses((status = 200, body = SignedIn), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
pub async fn login(
    State(app): State<App>,
    headers: HeaderMap,
    OrderWith(envelope, body): OrderWith<LoginBody>,
) -> Result<Response, Problem> {
    let pool = app.log.pool();
    let email = EmailAddress::parse(&body.email).ok();
    let claim = email
        .as_ref()
        .map(|email| email_claim_id(&app.master_key, email));
    if let Some(claim) = claim {
        lockout::attempt(pool, claim).await?;
    }
    let found = match &email {
        Some(email) => by_email(&app, email).await?,
        None => None,
    };
    let credential = found.as_ref().map(|(_, account)| account.credential_id);
    let right = app
        .passwords
        .matches(pool, credential, body.password)
        .await?;
    let Some((id, account)) = found.filter(|_| right) else {
        let detail = "no account has this e-mail address and password";
        return Err(Problem::unauthorized(detail));
    };
    if let Some(claim) = claim {
        lockout::forget(pool, claim).await?;
    }
    match account.standing {
        Standing::Active => {}
        Standing::Unconfirmed => return Err(unconfirmed()),
        Standing::Inactive | Standing::Erased => {
            return Err(Problem::forbidden("the account is not active"));
        }
    }
    let agent = headers
        .get(USER_AGENT)
        .and_then(|agent| agent.to_str().ok());
    let session = NewSession {
        account_id: id,
        session_id: Uuid::now_v7(),
        token_id: Uuid::now_v7(),
        agent: agent.map(str::to_owned),
        now: Utc::now(),
    };
    let (session_id, token_id) = (session.session_id, session.token_id);
    let target = Target::existing(StreamId::of::<Sessions>(sessions_id(id)));
    let credential_id = account.credential_id;
    execute(
        &app,
        envelope.by(id).without_key(),
        target,
        move |streams| sign_in(streams, credential_id, session.clone()),
    )
    .await?;
    let mode = Mode::of(body.cookies);
    signed_in(&app, mode, id, account, session_id, token_id)
}

fn unconfirmed() -> Problem {
    let detail = "confirm the e-mail address first, by the link that was sent there";
    Problem::new(StatusCode::FORBIDDEN, "email-unconfirmed", detail)
}
