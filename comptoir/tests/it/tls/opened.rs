//! A log that is opened at a URL, and appended to.

use domain::identity::email::{EmailClaim, Event};
use domain::streams::{DecidedEvent, StreamId, stored_json};
use event_store::append::{Append, AppendError, Metadata, StreamAppend};
use event_store::{Log, OpenError, Options, database};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::server::Server;

/// A log whose pool has one connection: all others are those that append and read.
pub struct Opened {
    log: Log,
    stop: CancellationToken,
}

impl Opened {
    pub async fn at(url: &str) -> Result<Self, OpenError> {
        Self::on(database::pool(url, "log", 1)?).await
    }

    pub async fn on(pool: PgPool) -> Result<Self, OpenError> {
        let options = Options {
            contexts: domain::CONTEXTS.to_vec(),
            partitions: 3,
            keyring: event_store::personal::Keyring::none(),
        };
        let stop = CancellationToken::new();
        let log = Log::open(pool, &options, stop.clone()).await?;
        Ok(Self { log, stop })
    }

    pub async fn append(&self) -> Result<(), AppendError> {
        let id = Uuid::now_v7();
        let event = DecidedEvent {
            event_type: "EmailClaimed",
            event_version: 1,
            payload: stored_json(&Event::EmailClaimed { account_id: id }),
        };
        let append = Append {
            streams: vec![StreamAppend {
                stream: StreamId::of::<EmailClaim>(id),
                expected_version: 0,
                events: vec![event; 20],
            }],
            metadata: Metadata::default(),
            occurred_at: None,
            idempotency: None,
        };
        self.log.append(append).await.map(|_| ())
    }

    async fn close(self) {
        self.stop.cancel();
        self.log.written().await.unwrap();
        self.log.pool().close().await;
    }
}

/// Appends at `url`; every connection made for that is encrypted, or none is.
pub async fn appends(server: &Server, user: &str, settings: &str, encrypted: bool) {
    let log = Opened::at(&server.url(user, settings)).await;
    let log = log.unwrap_or_else(|error| panic!("{user} {settings}: {error}"));
    let appended = log.append().await;
    appended.unwrap_or_else(|error| panic!("{user} {settings}: {error}"));
    let (name, _) = user.split_once(':').unwrap_or((user, ""));
    let ssl: Vec<bool> = sqlx::query_scalar(
        "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
         WHERE application_name = 'comptoir' AND usename = $1",
    )
    .bind(name)
    .fetch_all(&mut server.admin().await)
    .await
    .unwrap();
    assert!(ssl.len() >= 2, "{user} {settings}: {ssl:?}");
    assert!(
        ssl.iter().all(|ssl| *ssl == encrypted),
        "{user} {settings}: {ssl:?}"
    );
    log.close().await;
}

/// The log can't be opened at `url`, and `why` is in what is said.
pub async fn refused(url: &str, why: &str) -> sqlx::Error {
    match Opened::at(url).await {
        Ok(_) => panic!("{url} was opened"),
        Err(OpenError::Database(error)) => {
            assert!(error.to_string().contains(why), "{url}: {error}");
            error
        }
        Err(error) => panic!("{url}: {error}"),
    }
}
