//! The first administrator, without whom nobody could make accounts.

use domain::actor::Role;
use domain::decisions::register_account::{Registration, register_first_admin};
use domain::identity::account::Account;
use domain::identity::administrators::{ADMINISTRATORS, Administrators};
use domain::identity::email::EmailAddress;
use domain::streams::{StreamId, StreamKind, Streams};
use event_store::append::Metadata;
use secrecy::SecretString;
use service_kit::problem::Problem;
use uuid::Uuid;

use super::users::email_claim_id;
use crate::App;
use crate::execute::{Target, execute, unloadable};
use crate::request::Envelope;

/// Whether the platform has an administrator.
///
/// # Errors
/// When the log is away.
pub async fn exists(app: &App) -> Result<bool, Problem> {
    let stream = StreamId::of::<Administrators>(ADMINISTRATORS);
    let kind = StreamKind::of::<Administrators>();
    let (loaded, _) = app.log.load(stream, kind).await.map_err(unloadable)?;
    let mut streams = Streams::default();
    streams.insert(stream, loaded);
    let circle = streams
        .state::<Administrators>(ADMINISTRATORS)
        .map_err(|_| Problem::fault("administrators", &"the stream is of another kind"))?;
    Ok(!circle.is_empty())
}

/// Registers the first administrator. Of several processes that try at once one succeeds.
///
/// # Errors
/// `409` when the platform has one; `422` when the address or password is no good.
pub async fn register(app: &App, email: &str, password: SecretString) -> Result<(), Problem> {
    let id = Uuid::now_v7();
    let email = EmailAddress::parse(email).map_err(|malformed| Problem::rejected(&malformed))?;
    let credential_id = app.passwords.keep(app.log.pool(), id, password).await?;
    let registration = Registration {
        id,
        email_claim_id: email_claim_id(&app.master_key, &email),
        email,
        name: "Administrator".to_owned(),
        roles: [Role::Admin].into(),
        credential_id,
    };
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
