//! A whole system in this process: both APIs, relay and projector.

use read_api::standing::Visibility;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;

use comptoir::contexts::Contexts;
use comptoir::services::Process;
use comptoir::settings::{Databases, Kafka, KeysDatabase, Mail, Personal, Topics};
use domain::actor::{Actor, Role};
use event_store::Log;
use secrecy::SecretString;
use service_kit::access::Route;
use service_kit::derived_token::{DerivedTokens, Purpose};
use service_kit::door::Door;
use service_kit::keys::MasterKey;
use service_kit::supervise::Supervisor;
use service_kit::token::Tokens;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Client, on_background, servers};

pub const ADMIN_EMAIL: &str = "admin@example.com";
pub const ADMIN_PASSWORD: &str = "correct horse battery";
const KEY: &[u8] = b"0123456789abcdef0123456789abcdef";

/// The one master key of the persons' keys, `k1`.
pub fn personal() -> Personal {
    Personal {
        personal_keys: "k1:a2V5IG9mIHRoZSB0ZXN0cywgb2YgMzIgYnl0ZXMuLi4=".to_owned(),
        keys_database: KeysDatabase::default(),
    }
}

static SHARED: OnceLock<System> = OnceLock::new();

/// The system that most tests share; each works with hotels and accounts of its own.
pub fn shared() -> &'static System {
    SHARED.get_or_init(|| on_background(System::start(Contexts::all())))
}

pub struct System {
    pub address: SocketAddr,
    pub databases: Databases,
    pub log: Log,
    pub read: PgPool,
    pub tokens: Tokens,
    pub kafka: Kafka,
    /// What the handlers of queries share.
    pub queries: read_api::App,
    /// Every route of both APIs.
    pub routes: Vec<Route>,
    pub stop: CancellationToken,
    /// Where its e-mails are.
    pub mail: PathBuf,
}

/// The token, under `key`, of the last link that `account` was sent for this purpose.
pub async fn link(log: &PgPool, key: &MasterKey, purpose: Purpose, account: Uuid) -> String {
    let event_type = match purpose {
        Purpose::ConfirmEmail => "ConfirmationRequested",
        _ => "PasswordResetRequested",
    };
    let sql = "SELECT (payload::json ->> 'token_id')::uuid FROM events \
         WHERE aggregate_id = $1 AND event_type = $2 ORDER BY sequence DESC LIMIT 1";
    let query = sqlx::query_scalar(sql).bind(account).bind(event_type);
    let token: Uuid = query.fetch_one(log).await.unwrap();
    DerivedTokens::new(key).issue(purpose, [account, token])
}

impl System {
    /// A system with a database and topics of its own. It lives on the runtime of the caller.
    pub async fn start(contexts: Contexts) -> Self {
        Self::prepared(contexts, async |_| ()).await
    }

    /// The same, after `prepare` has had the read tables' database.
    pub async fn prepared(contexts: Contexts, prepare: impl AsyncFnOnce(&PgPool)) -> Self {
        let servers = servers();
        let databases = servers.database().await;
        let read = event_store::database::pool(databases.read_url(), "read", 1).unwrap();
        prepare(&read).await;
        let kafka = servers.own_topics();
        Self::on(contexts, databases, kafka).await
    }

    /// A system that lets in whom `door` lets in.
    pub async fn behind(door: Door) -> Self {
        let servers = servers();
        let (databases, kafka) = (servers.database().await, servers.own_topics());
        Self::open(Contexts::all(), databases, kafka, door).await
    }

    /// A system on these servers.
    pub async fn on(contexts: Contexts, databases: Databases, kafka: Kafka) -> Self {
        Self::open(contexts, databases, kafka, Door::default()).await
    }

    async fn open(contexts: Contexts, databases: Databases, kafka: Kafka, door: Door) -> Self {
        let tasks = Supervisor::new(CancellationToken::new());
        let stop = tasks.stop();
        let topics = Topics { partitions: 3 };
        let personal = personal();
        let start = Process::start(contexts.clone(), &databases, topics, Some(&personal), tasks);
        let mut process = start.await.unwrap();
        let tokens = Tokens::new(KEY).unwrap();
        let run = format!(
            "comptoir-tests-{}/mail-{}",
            std::process::id(),
            Uuid::new_v4()
        );
        let mail = Mail {
            mail_folder: Some(std::env::temp_dir().join(run)),
            public_url: Some("https://comptoir.example".to_owned()),
            mail_from: "Comptoir <no-reply@comptoir.example>".to_owned(),
            smtp_url: None,
        };
        let key = MasterKey::new(KEY).unwrap();
        process.worker(mail.open(&key).unwrap()).await.unwrap();
        let app = process
            .command_api(MasterKey::new(KEY).unwrap(), tokens.clone())
            .unwrap();
        process.read_api(tokens.clone(), kafka.relay());
        if let Some(relay) = kafka.relay() {
            process.relay(relay);
        }
        process.projector(kafka.source());
        comptoir::up::ensure_first_admin(
            &app,
            ADMIN_EMAIL,
            Some(SecretString::from(ADMIN_PASSWORD)),
        )
        .await
        .unwrap();
        let (_, mut routes) = command_api::router(app, &contexts.commands);
        let (visibility, follower) =
            Visibility::of(process.read.clone(), contexts.projections.clone().into());
        tokio::spawn(follower.run(stop.clone()));
        let read_app = read_api::App {
            tables: read_api::query::Tables::of(&process.read),
            read: process.read.clone(),
            log: process.log.pool().clone(),
            keyring: process.log.keyring().clone(),
            epoch: process.log.epoch(),
            tokens: tokens.clone(),
            visibility,
            projections: contexts.projections.clone().into(),
            audits: std::sync::Arc::new(tokio::sync::Semaphore::new(1)),
            kafka: kafka.relay(),
            policies: Vec::new().into(),
        };
        routes.extend(read_api::router(read_app.clone(), &contexts.queries).1);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        process.serve(listener, door);
        let (log, read) = (process.log.clone(), process.read.clone());
        tokio::spawn(async {
            // A test that fails for it should say so.
            if let Err(error) = process.tasks.run().await {
                eprintln!("the system ended: {error:#}");
            }
        });
        Self {
            address,
            databases,
            log,
            read,
            tokens,
            kafka,
            queries: read_app,
            routes,
            stop,
            mail: mail.mail_folder.unwrap(),
        }
    }

    /// The token of the last link that `account` was sent for this purpose.
    pub async fn link(&self, purpose: Purpose, account: Uuid) -> String {
        let key = MasterKey::new(KEY).unwrap();
        link(self.log.pool(), &key, purpose, account).await
    }

    /// A client that is nobody.
    pub fn stranger(&self) -> Client {
        Client::new(format!("http://{}", self.address))
    }

    /// A client that holds these roles, by a token of an account of its own.
    pub fn client(&self, roles: &[Role]) -> Client {
        self.client_of(Uuid::now_v7(), roles)
    }

    /// A client of this account.
    pub fn client_of(&self, account: Uuid, roles: &[Role]) -> Client {
        let roles = roles.to_vec();
        let actor = Actor { account, roles };
        let token = self.tokens.issue(&actor, chrono::Utc::now()).unwrap();
        self.stranger().with_token(account, token)
    }
}
