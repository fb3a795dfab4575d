//! Accounts that people make for themselves.

use axum::extract::State;
use axum::http::HeaderMap;
use chrono::{TimeDelta, Utc};
use domain::actor::Role;
use domain::decisions::confirm_email::confirm_email;
use domain::decisions::register_account::{apply_as_seller, sign_up};
use domain::identity::account::Account;
use domain::identity::link::{CONFIRMATION_LIFETIME, Link};
use domain::streams::StreamId;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use service_kit::derived_token::Purpose;
use service_kit::problem::Problem;
use service_kit::shapes::RoleShape;
use utoipa::ToSchema;
use uuid::Uuid;

use super::find::address;
use super::language;
use super::users::{Wanted, registration};
use crate::App;
use crate::answer::Answer;
use crate::execute::{Done, Target, execute, replayed};
use crate::request::OrderWith;

/// An account that somebody wants.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterBody {
    /// Where its owner is reached; no other account has it, whatever its case.
    #[schema(format = Email, max_length = 254)]
    email: String,
    /// Its password.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    password: SecretString,
    /// What its owner is called.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// buyer, student or seller; other accounts are an admin's to make.
    #[schema(value_type = RoleShape)]
    role: Role,
    /// For a seller: what an admin is told beside the request.
    #[schema(max_length = 2000)]
    message: Option<String>,
}

/// What an account waits for.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// For its address to be confirmed.
    Confirmation,
    /// For an admin to let its owner sell.
    Approval,
}

/// An account that was made.
#[derive(Serialize, ToSchema)]
pub struct RegisteredBody {
    /// Its id.
    id: Uuid,
    /// Its version.
    version: u64,
    /// What it waits for.
    waits_for: WaitsFor,
}

#[derive(Serialize)]
struct More {
    waits_for: WaitsFor,
}

/// Registers an account.
///
/// A buyer or student may sign in after confirming the address by the link that is sent there; a
/// seller when an admin approves.
#[utoipa::path(post, path = "/api/auth/register", tag = "identity", request_body = RegisterBody,
    responses((status = 201, body = RegisteredBody), (status = 403, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub async fn register(
    State(app): State<App>,
    headers: HeaderMap,
    OrderWith(envelope, body): OrderWith<RegisterBody>,
) -> Result<Answer, Problem> {
    let seller = match body.role {
        Role::Buyer | Role::Student => false,
        Role::Seller => true,
        Role::Admin | Role::Hotelier | Role::Trainer | Role::Analyst => {
            return Err(Problem::forbidden("such accounts are an admin's to make"));
        }
    };
    let says = body
        .message
        .as_ref()
        .is_some_and(|text| !text.trim().is_empty());
    if says && !seller {
        return Err(Problem::invalid(
            "/message",
            "only a seller leaves a message",
        ));
    }
    // A retry costs no hash and leaves no row behind.
    if let Some(answer) = replayed(&app, &envelope).await? {
        return Ok(answer);
    }
    let (id, language) = (Uuid::now_v7(), language(&headers));
    let link = link(CONFIRMATION_LIFETIME);
    let email = address(&body.email)?;
    let credential_id = app
        .passwords
        .keep(app.log.pool(), id, body.password)
        .await?;
    let wanted = Wanted {
        email,
        name: body.name,
        roles: [body.role].into(),
        credential_id,
    };
    let registration = registration(&app, id, wanted);
    let target = Target::created(StreamId::of::<Account>(id), "/api/admin/users");
    let message = body.message;
    execute(&app, envelope, target, move |streams| {
        let registration = registration.clone();
        let waits_for = if seller {
            apply_as_seller(streams, registration, message.clone(), language)?;
            WaitsFor::Approval
        } else {
            sign_up(streams, registration, link, language)?;
            WaitsFor::Confirmation
        };
        Ok(More { waits_for })
    })
    .await
}

/// The token of a link that was followed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmBody {
    /// What stands behind `?token=` in the link.
    #[schema(value_type = String)]
    token: SecretString,
}

/// Confirms an e-mail address by the link that was sent there; its account may sign in.
#[utoipa::path(post, path = "/api/auth/confirm", tag = "identity", request_body = ConfirmBody,
    responses((status = 200, body = Done), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn confirm(
    State(app): State<App>,
    OrderWith(envelope, body): OrderWith<ConfirmBody>,
) -> Result<Answer, Problem> {
    let (id, token_id) = link_token(&app, Purpose::ConfirmEmail, &body.token)?;
    let now = Utc::now();
    let envelope = envelope.by(id);
    let target = Target::existing(StreamId::of::<Account>(id));
    execute(&app, envelope, target, move |streams| {
        confirm_email(streams, id, token_id, now)
    })
    .await
}

/// A link that is good from now on for so long.
pub(super) fn link(lifetime: TimeDelta) -> Link {
    Link {
        token_id: Uuid::now_v7(),
        expires_at: Utc::now() + lifetime,
    }
}

/// The account and the id of a link's token.
///
/// # Errors
/// `422` when it is none of ours.
pub(super) fn link_token(
    app: &App,
    purpose: Purpose,
    token: &SecretString,
) -> Result<(Uuid, Uuid), Problem> {
    let ids = app.derived.read(purpose, token.expose_secret());
    let [account, token] =
        ids.ok_or_else(|| Problem::invalid("/token", "this is no token of such a link"))?;
    Ok((account, token))
}
