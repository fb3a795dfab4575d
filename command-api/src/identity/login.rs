//! Signing in.

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use chrono::Utc;
use domain::actor::{Actor, Role};
use domain::identity::account::{Account, Registered};
use domain::identity::email::{EmailAddress, EmailClaim};
use domain::streams::{StreamId, StreamKind, Streams};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use service_kit::extract::JsonBody;
use service_kit::problem::Problem;
use service_kit::shapes::RoleShape;
use service_kit::token::ACCESS_LIFETIME;
use utoipa::ToSchema;
use uuid::Uuid;

use super::users::email_claim_id;
use crate::App;
use crate::execute::unloadable;

/// What somebody signs in with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginBody {
    /// The e-mail address of the account, whatever its case.
    email: String,
    /// Its password.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Somebody who is signed in.
#[derive(Serialize, ToSchema)]
pub struct SignedIn {
    /// A bearer token for both APIs.
    access_token: String,
    /// `Bearer`.
    token_type: &'static str,
    /// How long it is good for, in seconds.
    expires_in: u64,
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

/// Signs in.
///
/// Every failure is `401` in one wording, whether the account exists or not, and costs the same; a
/// right password of an inactive account is `403`.
#[utoipa::path(post, path = "/api/auth/login", tag = "identity", request_body = LoginBody,
    responses((status = 200, body = SignedIn), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 422, body = Problem)))]
pub async fn login(
    State(app): State<App>,
    JsonBody { value, .. }: JsonBody<LoginBody>,
) -> Result<impl IntoResponse, Problem> {
    let found = match EmailAddress::parse(&value.email) {
        Ok(email) => account(&app, &email).await?,
        Err(_) => None,
    };
    let credential = found.as_ref().map(|(_, account)| account.credential_id);
    let pool = app.log.pool();
    let right = app.passwords.matches(pool, credential, value.password);
    let right = right.await?;
    let Some((id, account)) = found.filter(|_| right) else {
        let detail = "no account has this e-mail address and password";
        return Err(Problem::unauthorized(detail));
    };
    if !account.active {
        return Err(Problem::forbidden("the account is not active"));
    }
    let actor = Actor {
        account: id,
        roles: account.roles.iter().copied().collect(),
    };
    let access_token = app
        .tokens
        .issue(&actor, Utc::now())
        .map_err(|error| Problem::fault("a token can't be signed", &error))?;
    let signed_in = SignedIn {
        access_token,
        token_type: "Bearer",
        expires_in: ACCESS_LIFETIME.as_secs(),
        user: User {
            id,
            email: account.email.value.map(|email| email.as_str().to_owned()),
            name: account.name.value,
            roles: actor.roles,
        },
    };
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(signed_in)))
}

/// The account that has `email`, by the log itself: a read model may lag.
async fn account(app: &App, email: &EmailAddress) -> Result<Option<(Uuid, Registered)>, Problem> {
    let mut streams = Streams::default();
    let claim = email_claim_id(&app.master_key, email);
    let (stream, kind) = (
        StreamId::of::<EmailClaim>(claim),
        StreamKind::of::<EmailClaim>(),
    );
    streams.insert(
        stream,
        app.log.load(stream, kind).await.map_err(unloadable)?.0,
    );
    let unreadable = |_| Problem::fault("sign-in", &"a stream is of another kind");
    let holder = streams.state::<EmailClaim>(claim).map_err(unreadable)?;
    let Some(id) = *holder else { return Ok(None) };
    let (stream, kind) = (StreamId::of::<Account>(id), StreamKind::of::<Account>());
    streams.insert(
        stream,
        app.log.load(stream, kind).await.map_err(unloadable)?.0,
    );
    let account = streams.state::<Account>(id).map_err(unreadable)?;
    Ok(Option::clone(&account).map(|account| (id, account)))
}
