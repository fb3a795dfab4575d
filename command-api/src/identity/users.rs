//! Accounts as an admin makes and changes them.

use std::collections::BTreeSet;

use axum::extract::State;
use domain::actor::Role;
use domain::decisions::register_account::{Registration, register_account};
use domain::decisions::{activate_account, change_roles, deactivate_account};
use domain::identity::account::Account;
use domain::identity::email::EmailAddress;
use domain::streams::StreamId;
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::extract::Path;
use service_kit::problem::Problem;
use service_kit::shapes::RoleShape;
use utoipa::ToSchema;
use uuid::Uuid;

use super::find::{address, email_claim_id};
use crate::App;
use crate::answer::Answer;
use crate::execute::{Done, Target, execute, replayed};
use crate::request::{Order, OrderWith};

/// An account to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUserBody {
    /// Where it is reached; no other account has it, whatever its case.
    #[schema(format = Email, max_length = 254)]
    email: String,
    /// Its first password.
    #[schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128)]
    password: Option<SecretString>,
    /// Instead of it, the hash that an older system made with bcrypt.
    #[schema(value_type = Option<String>)]
    password_hash: Option<SecretString>,
    /// What its owner is called.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// What it may be.
    #[schema(value_type = Vec<RoleShape>, min_items = 1)]
    roles: BTreeSet<Role>,
}

/// What an account may be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesBody {
    /// All its roles.
    #[schema(value_type = Vec<RoleShape>, min_items = 1)]
    roles: BTreeSet<Role>,
}

/// Registers an account that may sign in at once.
#[utoipa::path(post, path = "/api/admin/users", tag = "identity", request_body = NewUserBody,
    responses((status = 201, body = Done), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub async fn create_user(
    State(app): State<App>,
    OrderWith(envelope, body): OrderWith<NewUserBody>,
) -> Result<Answer, Problem> {
    // A retry costs no hash and leaves no row behind.
    if let Some(answer) = replayed(&app, &envelope).await? {
        return Ok(answer);
    }
    let id = Uuid::now_v7();
    let email = address(&body.email)?;
    let pool = app.log.pool();
    let credential_id = match (body.password, body.password_hash) {
        (Some(password), None) => app.passwords.keep(pool, id, password).await?,
        (None, Some(hash)) => app.passwords.keep_hash(pool, id, &hash).await?,
        _ => {
            let why = "an account has a password or the hash of one";
            return Err(Problem::invalid("/password", why));
        }
    };
    let wanted = Wanted {
        email,
        name: body.name,
        roles: body.roles,
        credential_id,
    };
    let registration = registration(&app, id, wanted);
    let target = Target::created(StreamId::of::<Account>(id), "/api/admin/users");
    execute(&app, envelope, target, move |streams| {
        register_account(streams, registration.clone())
    })
    .await
}

/// Lets an account sign in (again).
#[utoipa::path(post, path = "/api/admin/users/{id}/activate", tag = "identity",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 412, body = Problem)))]
pub async fn activate_user(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    execute(&app, envelope, user(id), move |streams| {
        activate_account::activate_account(streams, id)
    })
    .await
}

/// Lets an account sign in no more; its tokens run out within one access lifetime. The last
/// administrator stays.
#[utoipa::path(post, path = "/api/admin/users/{id}/deactivate", tag = "identity",
    params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem)))]
pub async fn deactivate_user(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Order(envelope): Order,
) -> Result<Answer, Problem> {
    execute(&app, envelope, user(id), move |streams| {
        deactivate_account::deactivate_account(streams, id)
    })
    .await
}

/// Replaces what an account may be. The last administrator stays one.
#[utoipa::path(post, path = "/api/admin/users/{id}/roles", tag = "identity",
    request_body = RolesBody, params(("id" = Uuid, Path,)),
    responses((status = 200, body = Done), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 412, body = Problem),
        (status = 422, body = Problem)))]
pub async fn change_roles(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    OrderWith(envelope, body): OrderWith<RolesBody>,
) -> Result<Answer, Problem> {
    execute(&app, envelope, user(id), move |streams| {
        change_roles::change_roles(streams, id, body.roles.clone())
    })
    .await
}

fn user(id: Uuid) -> Target {
    Target::existing(StreamId::of::<Account>(id))
}

/// An account to be, but for its id.
pub(super) struct Wanted {
    pub(super) email: EmailAddress,
    pub(super) name: String,
    pub(super) roles: BTreeSet<Role>,
    pub(super) credential_id: Uuid,
}

pub(super) fn registration(app: &App, id: Uuid, wanted: Wanted) -> Registration {
    Registration {
        id,
        email_claim_id: email_claim_id(&app.master_key, &wanted.email),
        email: wanted.email,
        name: wanted.name,
        roles: wanted.roles,
        credential_id: wanted.credential_id,
    }
}
