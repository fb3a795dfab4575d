//! What people do with their own account: tell of themselves, and have it erased.

use axum::extract::State;
use domain::decisions::erase_account::erase_account;
use domain::identity::account::{Account, Command, Standing};
use domain::identity::profile::Told;
use domain::streams::StreamId;
use secrecy::SecretString;
use serde::Deserialize;
use service_kit::access::Caller;
use service_kit::problem::Problem;
use utoipa::ToSchema;
use uuid::Uuid;

use super::change_password::check_password;
use super::find::{by_id, email_claim_id};
use crate::App;
use crate::answer::Answer;
use crate::execute::{Done, Target, execute};
use crate::request::OrderWith;

/// What people tell of themselves; what is left out, null or blank is not told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileBody {
    /// The first name.
    #[schema(max_length = 100)]
    first_name: Option<String>,
    /// The last name.
    #[schema(max_length = 100)]
    last_name: Option<String>,
    /// Where they can be called.
    #[schema(max_length = 100)]
    phone: Option<String>,
    /// Where they live, on several lines.
    #[schema(max_length = 2000)]
    address: Option<String>,
    /// Their gender, in their own word.
    #[schema(max_length = 100)]
    gender: Option<String>,
    /// What they say of themselves, on several lines.
    #[schema(max_length = 2000)]
    bio: Option<String>,
}

impl From<ProfileBody> for Told {
    fn from(body: ProfileBody) -> Self {
        Self {
            first_name: body.first_name,
            last_name: body.last_name,
            phone: body.phone,
            address: body.address,
            gender: body.gender,
            bio: body.bio,
        }
    }
}

/// Replaces what the caller tells of themselves.
#[utoipa::path(put, path = "/api/auth/me", tag = "identity", request_body = ProfileBody,
    responses((status = 200, body = Done), (status = 409, body = Problem),
        (status = 412, body = Problem), (status = 422, body = Problem)))]
pub async fn change_profile(
    State(app): State<App>,
    Caller(actor): Caller,
    OrderWith(envelope, body): OrderWith<ProfileBody>,
) -> Result<Answer, Problem> {
    let (id, told) = (actor.account, Told::from(body));
    let target = Target::existing(StreamId::of::<Account>(id));
    execute(&app, envelope, target, move |streams| {
        let told = told.clone();
        streams.decide::<Account>(id, Command::ChangeProfile { id, told })
    })
    .await
}

/// Whose account is to be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ErasureBody {
    /// Its password.
    #[schema(value_type = String, format = Password)]
    password: SecretString,
}

/// Erases the caller's account, for ever: its personal data can be read by nobody any more, and
/// its address may be registered anew. What it did stays, without its name.
#[utoipa::path(post, path = "/api/auth/me/erasure", tag = "identity",
    request_body = ErasureBody,
    responses((status = 200, body = Done), (status = 409, body = Problem),
        (status = 422, body = Problem), (status = 429, body = Problem)))]
pub async fn erase(
    State(app): State<App>,
    Caller(actor): Caller,
    OrderWith(envelope, body): OrderWith<ErasureBody>,
) -> Result<Answer, Problem> {
    // Workers do nothing about history, and mail and read tables are theirs to clean.
    if envelope.occurred_at.is_some() {
        let why = "nobody is erased in the past: leave it out";
        return Err(Problem::invalid("Occurred-At", why));
    }
    let id = actor.account;
    let account = by_id(&app, id).await?;
    let erased = account
        .as_ref()
        .filter(|one| one.standing == Standing::Erased);
    // A retry finds neither password nor address, and nothing is left to guard.
    if erased.is_none() {
        check_password(&app, id, body.password, "/password").await?;
    }
    let email = account.and_then(|account| account.email.value);
    let claim = email.map(|email| email_claim_id(&app.master_key, &email));
    let envelope = envelope.without_key();
    let target = Target::existing(StreamId::of::<Account>(id));
    let answer = execute(&app, envelope, target, move |streams| match claim {
        Some(claim) => erase_account(streams, id, claim),
        None => streams.decide::<Account>(id, Command::Erase),
    })
    .await?;
    forget(&app, id).await?;
    Ok(answer)
}

/// Destroys the key of `person`, and what the log's database has beside the log. A worker does the
/// same after the event, and cleans what is elsewhere; this is so that the answer is true.
async fn forget(app: &App, person: Uuid) -> Result<(), Problem> {
    let erased = app.log.keyring().erase(app.log.pool(), person).await;
    erased.map_err(|error| {
        tracing::warn!(%error, %person, "a person's key is not destroyed yet");
        let detail = "the erasure is stored, and goes on by itself";
        Problem::unavailable("log-away", detail, 1)
    })?;
    Ok(())
}
