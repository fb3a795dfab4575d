//! The first administrator, without whom nobody could make accounts.

use domain::actor::Role;
use domain::decisions::register_account::register_first_admin;
use domain::identity::account::Account;
use domain::identity::administrators::{ADMINISTRATORS, Administrators};
use domain::streams::StreamId;
use event_store::append::Metadata;
use secrecy::SecretString;
use service_kit::problem::Problem;
use uuid::Uuid;

use super::find::{address, state};
use super::users::{Wanted, registration};
use crate::App;
use crate::execute::{Target, execute};
use crate::request::Envelope;

/// Whether the platform has an administrator.
///
/// # Errors
/// When the log is away.
pub async fn exists(app: &App) -> Result<bool, Problem> {
    let circle = state::<Administrators>(app, ADMINISTRATORS).await?;
    Ok(!circle.is_empty())
}

/// Registers the first administrator. Of several processes that try at once one succeeds.
///
/// # Errors
/// `409` when the platform has one; `422` when the address or password is no good.
pub async fn register(app: &App, email: &str, password: SecretString) -> Result<(), Problem> {
    let id = Uuid::now_v7();
    let email = address(email)?;
    let credential_id = app.passwords.keep(app.log.pool(), id, password).await?;
    let wanted = Wanted {
        email,
        name: "Administrator".to_owned(),
        roles: [Role::Admin].into(),
        credential_id,
    };
    let registration = registration(app, id, wanted);
    let request_id = Uuid::now_v7().to_string();
    let envelope = Envelope {
        actor: None,
        now: chrono::Utc::now(),
        occurred_at: None,
        if_match: None,
        idempotency: None,
        metadata: Metadata {
            correlation_id: request_id.clone(),
            causation_id: "first-administrator".to_owned(),
            request_id,
            ..Metadata::default()
        },
    };
    let target = Target::existing(StreamId::of::<Account>(id));
    execute(app, envelope, target, move |streams| {
        register_first_admin(streams, registration.clone())
    })
    .await?;
    Ok(())
}
