//! Passwords that are forgotten, and those that are changed.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use chrono::Utc;
use domain::decisions::change_password as decisions;
use domain::identity::account::{Account, Command, Confirmation, Rejection};
use domain::identity::link::{CONFIRMATION_LIFETIME, RESET_LIFETIME};
use domain::language::Language;
use domain::streams::StreamId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use service_kit::access::{Caller, CallerSession};
use service_kit::derived_token::Purpose;
use service_kit::problem::Problem;
use tokio::time::{Instant, sleep_until};
use utoipa::ToSchema;
use uuid::Uuid;

use super::find::{address, by_email, by_id, email_claim_id};
use super::passwords::check_length;
use super::register::{link, link_token};
use super::{language, lockout};
use crate::App;
use crate::answer::Answer;
use crate::execute::{Done, Target, execute};
use crate::request::OrderWith;

/// How long an answer takes that must not tell whether there is an account.
const SAME_TIME: Duration = Duration::from_millis(300);

/// Whose password is forgotten.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotBody {
    /// The e-mail address of the account, whatever its case.
    #[schema(format = Email)]
    email: String,
}

/// What is answered whether there is such an account or not.
#[derive(Serialize, ToSchema)]
pub struct Heard {}

/// Sends a link to set another password, if an account has this address and may sign in; one whose
/// address is not confirmed yet is sent the link to confirm it once more.
///
/// The answer and its time are the same whether there is such an account or not.
#[utoipa::path(post, path = "/api/auth/forgot-password", tag = "identity",
    request_body = ForgotBody,
    responses((status = 200, body = Heard), (status = 422, body = Problem)))]
pub async fn forgot_password(
    State(app): State<App>,
    headers: HeaderMap,
    OrderWith(envelope, body): OrderWith<ForgotBody>,
) -> Result<Json<Heard>, Problem> {
    let answered_at = Instant::now() + SAME_TIME;
    let email = address(&body.email)?;
    if let Some((id, account)) = by_email(&app, &email).await? {
        let claim = email_claim_id(&app.master_key, &email);
        let command = match account.active() {
            true => Command::RequestReset {
                link: link(RESET_LIFETIME),
                language: language(&headers),
            },
            false => Command::RequestConfirmation(Confirmation {
                link: link(CONFIRMATION_LIFETIME),
                language: language(&headers),
                email_claim_id: claim,
            }),
        };
        let target = Target::existing(StreamId::of::<Account>(id));
        execute(
            &app,
            envelope.by(id).without_key(),
            target,
            move |streams| streams.decide::<Account>(id, command.clone()),
        )
        .await?;
    }
    sleep_until(answered_at).await;
    Ok(Json(Heard {}))
}

/// Another password, by a link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetBody {
    /// What stands behind `?token=` in the link.
    #[schema(value_type = String)]
    token: SecretString,
    /// The new password.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    password: SecretString,
}

/// Sets another password by a link that was sent. All sessions of the account are over.
#[utoipa::path(post, path = "/api/auth/reset-password", tag = "identity",
    request_body = ResetBody,
    responses((status = 200, body = Done), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn reset_password(
    State(app): State<App>,
    headers: HeaderMap,
    OrderWith(envelope, body): OrderWith<ResetBody>,
) -> Result<Answer, Problem> {
    let (id, token_id) = link_token(&app, Purpose::ResetPassword, &body.token)?;
    check_length(&body.password, "/password")?;
    let (now, language) = (Utc::now(), language(&headers));
    let account = by_id(&app, id).await?;
    // A link that is good no more costs no hash.
    let open = account.as_ref().and_then(|account| account.reset);
    if !open.is_some_and(|link| link.opens(token_id, now)) {
        return Err(Problem::rejected(&Rejection::Link));
    }
    let credential_id = app
        .passwords
        .keep(app.log.pool(), id, body.password)
        .await?;
    let target = Target::existing(StreamId::of::<Account>(id));
    let answer = execute(
        &app,
        envelope.by(id).without_key(),
        target,
        move |streams| {
            decisions::reset_password(streams, id, token_id, credential_id, language, now)
        },
    )
    .await?;
    if let Some(email) = account.and_then(|account| account.email.value) {
        let claim = email_claim_id(&app.master_key, &email);
        lockout::forget(app.log.pool(), claim).await?;
    }
    Ok(answer)
}

/// Another password, by somebody who knows the one there is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordBody {
    /// The password there is.
    #[schema(value_type = String, format = Password)]
    current_password: SecretString,
    /// The new one.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    password: SecretString,
}

/// Sets another password. The caller's other sessions are over.
#[utoipa::path(post, path = "/api/auth/change-password", tag = "identity",
    request_body = ChangePasswordBody,
    responses((status = 200, body = Done), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem),
        (status = 429, body = Problem)))]
pub async fn change_password(
    State(app): State<App>,
    Caller(actor): Caller,
    CallerSession(session): CallerSession,
    headers: HeaderMap,
    OrderWith(envelope, body): OrderWith<ChangePasswordBody>,
) -> Result<Answer, Problem> {
    check_length(&body.password, "/password")?;
    let id = actor.account;
    let known = check_password(&app, id, body.current_password, "/current_password").await?;
    let credential_id = app
        .passwords
        .keep(app.log.pool(), id, body.password)
        .await?;
    let language: Language = language(&headers);
    let envelope = envelope.without_key();
    let target = Target::existing(StreamId::of::<Account>(id));
    execute(&app, envelope, target, move |streams| {
        decisions::change_password(streams, id, known, credential_id, language, session)
    })
    .await
}

/// Makes sure that whoever is signed in as `id` knows its password; gives its row.
///
/// # Errors
/// `422` with `pointer` when it is wrong, `404` when there is no such account, `429` after too many
/// wrong ones, `503` when the log is away.
pub(super) async fn check_password(
    app: &App,
    id: Uuid,
    password: SecretString,
    pointer: &str,
) -> Result<Uuid, Problem> {
    let pool = app.log.pool();
    let account = by_id(app, id).await?;
    let account = account.ok_or_else(|| Problem::rejected(&Rejection::Unknown))?;
    let email = account.email.value.as_ref();
    let claim = email.map(|email| email_claim_id(&app.master_key, email));
    if let Some(claim) = claim {
        lockout::attempt(pool, claim).await?;
    }
    let credential = account.credential_id;
    if !app
        .passwords
        .matches(pool, Some(credential), password)
        .await?
    {
        return Err(Problem::invalid(
            pointer,
            "this is not the account's password",
        ));
    }
    if let Some(claim) = claim {
        lockout::forget(pool, claim).await?;
    }
    Ok(credential)
}
