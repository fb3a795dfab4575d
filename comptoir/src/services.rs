//! The services, put together from their parts: each alone, or several in one process.

use std::collections::HashSet;
use std::sync::Arc;

use anyhow::Context;
use command_api::identity::passwords::Passwords;
use command_api::identity::sweep;
use event_store::personal::Keyring;
use event_store::{Log, database, relay, seen, tree};
use futures::future::BoxFuture;
use projections::erase::erase;
use projections::rebuild::is_built;
use projections::runtime::{self, Registered, Source, search_path};
use read_api::lag::events_behind;
use read_api::query::Tables;
use read_api::standing::Visibility;
use service_kit::derived_token::DerivedTokens;
use service_kit::door::Door;
use service_kit::health::Health;
use service_kit::keys::MasterKey;
use service_kit::measure::Metrics;
use service_kit::server;
use service_kit::supervise::Supervisor;
use service_kit::token::Tokens;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use workers::mail::Mail;
use workers::runtime::{run_due, run_policies};

use crate::audit::policies;
use crate::contexts::Contexts;
use crate::settings::{Databases, KeysDatabase, Personal, Topics};
use crate::{http, measure};

/// Connections of a process to the log's database.
const LOG_CONNECTIONS: u32 = 16;
/// Connections of a process to the read tables' database.
const READ_CONNECTIONS: u32 = 16;
/// Password hashes at a time.
const HASHES_AT_ONCE: usize = 2;

/// What is known of a process's surroundings, and the tasks it runs.
pub struct Process {
    /// The contexts.
    pub contexts: Contexts,
    /// The log.
    pub log: Log,
    /// The read tables.
    pub read: PgPool,
    /// Its tasks.
    pub tasks: Supervisor,
    apis: Vec<OpenApiRouter>,
    health: Health,
    metrics: Option<Metrics>,
    /// What it measures beside its own work: once, whatever services it has.
    measuring: HashSet<&'static str>,
}

impl Process {
    /// Connects to the databases, whose schemas are up to date. Without `personal` it can neither
    /// store nor show personal data.
    ///
    /// # Errors
    /// When a URL is wrong, the log's database is away, or `personal` does not have a master key
    /// that persons' keys are wrapped by.
    pub async fn start(
        contexts: Contexts,
        databases: &Databases,
        topics: Topics,
        personal: Option<&Personal>,
        mut tasks: Supervisor,
    ) -> anyhow::Result<Self> {
        let pool = database::pool(&databases.database_url, "log", LOG_CONNECTIONS)
            .context("DATABASE_URL")?;
        let path = search_path(&contexts.projections);
        let read = database::pool(databases.read_url(), &path, READ_CONNECTIONS)
            .context("READ_DATABASE_URL")?;
        let options = event_store::Options {
            contexts: contexts.names.clone(),
            partitions: topics.partitions,
            keyring: match personal {
                Some(personal) => checked(personal.keyring(&pool)?).await?,
                None => Keyring::none(),
            },
        };
        let log = Log::open(pool.clone(), &options, tasks.stop())
            .await
            .context("opening the log (has `comptoir migrate` run?)")?;
        let writer = log.clone();
        tasks.spawn("the log's writer", async move { writer.written().await });
        let watch = seen::watch(log.clone(), tasks.stop());
        tasks.spawn("the watch over the log", watch);
        Ok(Self {
            contexts,
            log,
            tasks,
            apis: Vec::new(),
            health: Health::default().database("log", pool),
            metrics: None,
            measuring: HashSet::new(),
            read,
        })
    }

    /// Has it tell its metrics, which are collected by now.
    pub fn tell(&mut self, metrics: Metrics) {
        let (log, read) = (self.log.clone(), self.read.clone());
        let metrics = measure::looking(metrics, log, read);
        let upkeep = metrics.clone().upkeep(self.tasks.stop());
        self.tasks.spawn("the upkeep of the metrics", upkeep);
        self.metrics = Some(metrics);
    }

    /// Measures how far the relay is, whoever runs it.
    fn measure_relay(&mut self) {
        let task = "the measuring of the relay";
        if self.measuring.insert(task) {
            let measured = relay::measure(self.log.pool().clone(), self.tasks.stop());
            self.tasks.spawn(task, measured);
        }
    }

    /// Measures how far the read tables are, whoever projects them; and the relay before them.
    fn measure_tables(&mut self) {
        self.measure_relay();
        let task = "the measuring of the read tables";
        if self.measuring.insert(task) {
            let (log, read) = (self.log.pool().clone(), self.read.clone());
            let projections = self.contexts.projections.clone();
            let measured = projections::measure::measure(log, read, projections, self.tasks.stop());
            self.tasks.spawn(task, measured);
        }
    }

    /// Adds the command API; gives what its handlers share.
    ///
    /// # Errors
    /// When the machine gives no randomness.
    pub fn command_api(
        &mut self,
        master_key: MasterKey,
        tokens: Tokens,
    ) -> anyhow::Result<command_api::App> {
        let app = command_api::App::new(command_api::Parts {
            log: self.log.clone(),
            derived: DerivedTokens::new(&master_key),
            master_key,
            tokens,
            passwords: Passwords::new(HASHES_AT_ONCE)?,
        });
        let (router, _) = command_api::router(app.clone(), &self.contexts.commands);
        self.apis.push(router);
        let stop = self.tasks.stop();
        self.tasks
            .spawn("the sweeper", sweep::run(app.clone(), stop));
        Ok(app)
    }

    /// Adds the query API; auditors have the log compared with `kafka`, where it is known.
    pub fn read_api(&mut self, tokens: Tokens, kafka: Option<relay::Options>) {
        self.measure_tables();
        self.measure_workers();
        let projections: Arc<[Registered]> = self.contexts.projections.clone().into();
        let (visibility, follower) = Visibility::of(self.read.clone(), Arc::clone(&projections));
        let follower = follower.run(self.tasks.stop());
        self.tasks.spawn("what follows the read tables", follower);
        let app = read_api::App {
            tables: Tables::of(&self.read),
            read: self.read.clone(),
            log: self.log.pool().clone(),
            keyring: self.log.keyring().clone(),
            epoch: self.log.epoch(),
            tokens,
            visibility,
            projections,
            audits: Arc::new(Semaphore::new(1)),
            kafka,
            policies: policies().into(),
        };
        let (router, _) = read_api::router(app, &self.contexts.queries);
        self.apis.push(router);
        let (log, read) = (self.log.pool().clone(), self.read.clone());
        let projections = self.contexts.projections.clone();
        let health = std::mem::take(&mut self.health);
        self.health = health
            .database("read", self.read.clone())
            .check("tables", built(&self.read, &self.contexts.projections))
            .check("lag", move || {
                let (log, read, projections) = (log.clone(), read.clone(), projections.clone());
                async move {
                    match events_behind(&log, &read, &projections).await {
                        Ok(0) => Ok("the read side is up to date".to_owned()),
                        // Being late is no reason to send nobody here: a token says what must be seen.
                        Ok(behind) => Ok(format!("the read side is {behind} events behind")),
                        Err(error) => Err(format!("is not known: {error}")),
                    }
                }
            });
    }

    /// Adds the relay.
    pub fn relay(&mut self, options: relay::Options) {
        let (pool, topics) = (self.log.pool().clone(), self.log.topics().clone());
        self.measure_relay();
        let stop = self.tasks.stop();
        self.tasks
            .spawn("the relay", relay::run(pool, topics, options, stop));
    }

    /// Measures how far policies are, whoever runs them.
    fn measure_workers(&mut self) {
        let task = "the measuring of the workers";
        if self.measuring.insert(task) {
            let measured = workers::measure::measure(self.log.pool().clone(), self.tasks.stop());
            self.tasks.spawn(task, measured);
        }
    }

    /// Adds the worker. A policy that is new begins with what happens after this.
    ///
    /// # Errors
    /// When two policies have one name, or the log's database is away.
    pub async fn worker(&mut self, mail: Mail) -> anyhow::Result<()> {
        let read = self.read.clone();
        let parts = workers::Parts {
            log: self.log.clone(),
            mail,
            elsewhere: Arc::new(move |person| {
                let read = read.clone();
                Box::pin(async move { Ok(erase(&read, person).await.map(|_| ())?) })
            }),
        };
        let of_contexts = self.contexts.workers.iter();
        let all: Vec<_> = of_contexts.flat_map(|context| context(&parts)).collect();
        workers::runtime::register(&self.log, &all)
            .await
            .context("registering the policies")?;
        self.measure_workers();
        let policies = run_policies(self.log.clone(), all.clone(), self.tasks.stop());
        self.tasks.spawn("the policies", policies);
        let due = run_due(self.log.clone(), all, self.tasks.stop());
        self.tasks.spawn("what is due", due);
        Ok(())
    }

    /// Keeps the tree over the log.
    pub fn tree(&mut self, options: tree::Options) {
        let kept = tree::run(self.log.pool().clone(), options, self.tasks.stop());
        self.tasks.spawn("the tree over the log", kept);
    }

    /// Adds the projector.
    pub fn projector(&mut self, source: Source) {
        self.measure_tables();
        let (log, read) = (self.log.clone(), self.read.clone());
        let projections = self.contexts.projections.clone();
        let stop = self.tasks.stop();
        let health = std::mem::take(&mut self.health);
        self.health = health
            .database("read", self.read.clone())
            .check("tables", built(&self.read, &self.contexts.projections));
        let projector = runtime::run(log, read, projections, source, stop);
        self.tasks.spawn("the projector", projector);
    }

    /// Serves what was added on `listener`, with health, metrics and documents.
    pub fn serve(&mut self, listener: TcpListener, door: Door) {
        let (apis, health) = (std::mem::take(&mut self.apis), self.health.clone());
        let app = http::app(apis, health, self.metrics.clone());
        let stop = self.tasks.stop();
        let served = async move { server::serve(listener, app, &door, stop).await };
        self.tasks.spawn("the HTTP server", served);
    }
}

/// A check that every one of `projections` has a table: a new version's is being built, and until it
/// is there, processes of the version before serve.
fn built(
    read: &PgPool,
    projections: &[Registered],
) -> impl Fn() -> BoxFuture<'static, Result<String, String>> + Send + Sync + 'static {
    let (read, projections) = (read.clone(), projections.to_vec());
    move || {
        let (read, projections) = (read.clone(), projections.clone());
        Box::pin(async move {
            for projection in projections {
                match is_built(&read, &projection).await {
                    Ok(true) => {}
                    Ok(false) => return Err(format!("{} is not built yet", projection.name)),
                    Err(error) => return Err(format!("are not known: {error}")),
                }
            }
            Ok("are there".to_owned())
        })
    }
}

/// Finds out at the start what could not be opened later.
async fn checked(keyring: Keyring) -> anyhow::Result<Keyring> {
    let checked = keyring.check().await;
    checked.context("the persons' keys (has `comptoir migrate` run?)")?;
    Ok(keyring)
}

/// Makes the table of the persons' keys, where it is not in the log's database.
///
/// # Errors
/// When that database is away.
pub async fn migrate_keys(database: &KeysDatabase) -> anyhow::Result<()> {
    match &database.keys_database_url {
        Some(url) => event_store::migrate::migrate_keys(url).await,
        None => Ok(()),
    }
    .context("migrating the persons' keys")
}

/// Brings both databases' schemas up to date.
///
/// # Errors
/// When a database is away, or a migration that ran before has been edited since.
pub async fn migrate(databases: &Databases) -> anyhow::Result<()> {
    event_store::migrate::migrate_log(&databases.database_url)
        .await
        .context("migrating the log")?;
    projections::migrate::migrate_read(databases.read_url())
        .await
        .context("migrating the read tables")
}
