//! Accounts by the log itself: a read model may lag.

use domain::decider::Decider;
use domain::identity::account::{Account, Registered};
use domain::identity::email::{EmailAddress, EmailClaim};
use domain::streams::{StreamId, StreamKind, Streams};
use service_kit::keys::MasterKey;
use service_kit::problem::Problem;
use uuid::Uuid;

use crate::App;
use crate::execute::unloadable;

/// The address that somebody typed.
///
/// # Errors
/// `422` when it is none.
pub(super) fn address(typed: &str) -> Result<EmailAddress, Problem> {
    EmailAddress::parse(typed).map_err(|malformed| Problem::rejected(&malformed))
}

/// The account that has `email`.
pub(super) async fn by_email(
    app: &App,
    email: &EmailAddress,
) -> Result<Option<(Uuid, Registered)>, Problem> {
    let holder = state::<EmailClaim>(app, email_claim_id(&app.master_key, email)).await?;
    let Some(id) = holder else { return Ok(None) };
    Ok(by_id(app, id).await?.map(|account| (id, account)))
}

/// The account `id`.
pub(super) async fn by_id(app: &App, id: Uuid) -> Result<Option<Registered>, Problem> {
    state::<Account>(app, id).await
}

/// The state of one stream as it is now.
pub(super) async fn state<D: Decider>(app: &App, id: Uuid) -> Result<D::State, Problem> {
    let (stream, kind) = (StreamId::of::<D>(id), StreamKind::of::<D>());
    let (loaded, _) = app.log.load(stream, kind).await.map_err(unloadable)?;
    let mut streams = Streams::default();
    streams.insert(stream, loaded);
    let state = streams.state::<D>(id);
    let state = state.map_err(|_| Problem::fault("identity", &"a stream is of another kind"))?;
    Ok(D::State::clone(&state))
}

/// The stream of the claim on `email`: a keyed hash, so that the log does not give the address
/// away. The bits are laid out as a UUIDv8 (RFC 9562 §5.8).
pub(super) fn email_claim_id(key: &MasterKey, email: &EmailAddress) -> Uuid {
    let digest = key.digest("email-claim", &[email.canonical().as_bytes()]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}
