//! Personal data: sealed at rest, in clear where it is read, gone when its key is destroyed.

mod erased;
mod erasure;
mod keys_apart;
mod master_keys;
mod one_key;
mod read_in_order;
mod sealed;
mod tables;

use domain::decider::Event as _;
use domain::identity::account::{Account, Event, Registered, State};
use domain::identity::email::EmailAddress;
use domain::personal::Personal;
use domain::streams::{DecidedEvent, StreamId, StreamKind, stored_json};
use event_store::append::{Append, AppendError, Appended, Metadata, StreamAppend};
use event_store::load::LoadError;
use event_store::personal::Keyring;
use event_store::{Log, Options, database};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::personal;

const NAME: &str = "Awa Ndiaye the Unmistakable";

/// The log of a process of its own.
async fn open(pool: PgPool, keyring: Keyring) -> Log {
    let options = Options {
        contexts: domain::CONTEXTS.to_vec(),
        partitions: 3,
        keyring,
    };
    Log::open(pool, &options, CancellationToken::new())
        .await
        .unwrap()
}

fn pool(url: &str) -> PgPool {
    database::pool(url, "log", 4).unwrap()
}

/// A process whose keys are beside the log, wrapped by the master key of all tests.
async fn process(url: &str) -> Log {
    let keyring = personal().keyring(&pool(url)).unwrap();
    open(pool(url), keyring).await
}

fn account(id: Uuid) -> StreamId {
    StreamId::of::<Account>(id)
}

fn registration(person: Uuid) -> Event {
    let email = EmailAddress::parse("awa@unmistakable.example").unwrap();
    Event::AccountRegistered {
        email: Personal::new(person, email),
        name: Personal::new(person, NAME.to_owned()),
        roles: [domain::actor::Role::Buyer].into(),
        credential_id: Uuid::nil(),
        active: true,
    }
}

/// Registers in the stream `id` what is about `person`.
async fn register(log: &Log, id: Uuid, person: Uuid) -> Result<Appended, AppendError> {
    let event = registration(person);
    let append = StreamAppend {
        stream: account(id),
        expected_version: 0,
        events: vec![DecidedEvent {
            event_type: event.name(),
            event_version: event.version(),
            payload: stored_json(&event),
        }],
    };
    log.append(Append {
        streams: vec![append],
        metadata: Metadata::default(),
        occurred_at: None,
        idempotency: None,
    })
    .await
}

async fn load(log: &Log, id: Uuid) -> Result<Registered, LoadError> {
    let (loaded, _) = log.load(account(id), StreamKind::of::<Account>()).await?;
    let state = loaded.state.downcast::<State>().unwrap();
    Ok(Option::clone(&state).unwrap())
}

/// The name in an account as it is loaded.
async fn name(log: &Log, id: Uuid) -> Option<String> {
    load(log, id).await.unwrap().name.value
}
