//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use event_store::{database, epoch};
use projections::migrate::clear_read;
use secrecy::SecretString;
use service_kit::door::Door;
use service_kit::keys::MasterKey;
use service_kit::supervise::{Supervisor, stop_on_signal};
use service_kit::{telemetry, traces};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::audit::AuditCommand;
use crate::bench::{Bench, Writer};
use crate::contexts::Contexts;
use crate::keys::KeysCommand;
use crate::projections::ProjectionsCommand;
use crate::services::{Process, migrate, migrate_keys};
use crate::settings::{
    Checkpoints, Databases, Door as DoorSettings, Kafka, Keys, KeysDatabase, Listen, Mail,
    Personal, Topics,
};
use crate::workers::WorkersCommand;
use crate::{demo, measure, restored, up};

/// An event-sourced CQRS backend: commands, a log, projectors and queries.
#[derive(Parser)]
#[command(version, about)]
pub struct Cli {
    /// Logs as JSON, a line an event.
    #[arg(long, global = true, env = "COMPTOIR_LOG_JSON")]
    log_json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts everything in one process, on PostgreSQL and Kafka of its own where none are named.
    Up(up::Options),
    /// Brings the databases' schemas up to date.
    Migrate(Migrate),
    /// Serves the commands.
    CommandApi(CommandApi),
    /// Relays the log to Kafka.
    Relay(Relay),
    /// Does what follows from events: policies, timers, e-mail.
    Worker(Worker),
    /// Projects events into the read tables.
    Projector(Projector),
    /// Serves the queries.
    ReadApi(ReadApi),
    /// Tells of the persons' keys, changes their master key, or destroys one.
    Keys(KeysCommand),
    /// Looks after the read tables.
    #[command(subcommand)]
    Projections(ProjectionsCommand),
    /// Looks after policies, timers and effects.
    #[command(subcommand)]
    Workers(WorkersCommand),
    /// Tells what happened, who did it, and proves it. Exits with 0 when all is right, 1 when
    /// something is wrong, 2 when the question can't be answered.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Plays 8,000 real reservations through the public API of a running system.
    Demo(Demo),
    /// Measures Comptoir against what it is built on.
    #[command(subcommand)]
    Bench(Bench),
    /// One writer among several: what `bench append` starts.
    #[command(hide = true)]
    BenchWriter(Writer),
    /// What an operator does to the log itself.
    #[command(subcommand)]
    Log(OfLog),
}

#[derive(Subcommand)]
enum OfLog {
    /// Gives a log that was restored from an older backup a new epoch and new topics, to which
    /// everything is relayed anew. Every other service is stopped while it runs.
    NewEpoch(NewEpoch),
}

#[derive(clap::Args)]
struct NewEpoch {
    #[command(flatten)]
    databases: Databases,
    /// Takes the read tables away with all they hold and makes them anew, empty: projectors fill
    /// them again from the first event on.
    #[arg(long)]
    clear_read: bool,
}

#[derive(clap::Args)]
struct Migrate {
    #[command(flatten)]
    databases: Databases,
    #[command(flatten)]
    keys_database: KeysDatabase,
}

#[derive(clap::Args)]
struct CommandApi {
    #[command(flatten)]
    databases: Databases,
    #[command(flatten)]
    topics: Topics,
    #[command(flatten)]
    kafka: Kafka,
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    personal: Personal,
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    door: DoorSettings,
    #[command(flatten)]
    admin: up::FirstAdmin,
}

#[derive(clap::Args)]
struct Relay {
    #[command(flatten)]
    databases: Databases,
    #[command(flatten)]
    topics: Topics,
    #[command(flatten)]
    kafka: Kafka,
    #[command(flatten)]
    listen: Listen,
}

#[derive(clap::Args)]
struct Worker {
    #[command(flatten)]
    databases: Databases,
    #[command(flatten)]
    topics: Topics,
    #[command(flatten)]
    personal: Personal,
    #[command(flatten)]
    checkpoints: Checkpoints,
    #[command(flatten)]
    kafka: Kafka,
    #[command(flatten)]
    mail: Mail,
    /// What the tokens of links in e-mails are derived from: 32 bytes or more.
    #[arg(long, env = "COMPTOIR_MASTER_KEY", hide_env_values = true)]
    master_key: String,
    #[command(flatten)]
    listen: Listen,
}

#[derive(clap::Args)]
struct Projector {
    #[command(flatten)]
    databases: Databases,
    #[command(flatten)]
    topics: Topics,
    #[command(flatten)]
    personal: Personal,
    #[command(flatten)]
    kafka: Kafka,
    #[command(flatten)]
    listen: Listen,
}

#[derive(clap::Args)]
struct ReadApi {
    #[command(flatten)]
    databases: Databases,
    #[command(flatten)]
    topics: Topics,
    #[command(flatten)]
    kafka: Kafka,
    #[command(flatten)]
    personal: Personal,
    /// What access tokens are signed with.
    #[arg(long, env = "COMPTOIR_TOKEN_KEY", hide_env_values = true)]
    token_key: String,
    #[command(flatten)]
    listen: Listen,
    #[command(flatten)]
    door: DoorSettings,
}

#[derive(clap::Args)]
struct Demo {
    /// Where the system answers.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// The e-mail address of an admin.
    #[arg(long, env = "COMPTOIR_ADMIN_EMAIL")]
    email: String,
    /// The admin's password.
    #[arg(long, env = "COMPTOIR_ADMIN_PASSWORD", hide_env_values = true)]
    password: String,
    /// Where the player keeps how far it is.
    #[arg(long, default_value = "demo.ndjson")]
    progress: PathBuf,
    /// Plays so many of them only, from the first.
    #[arg(long)]
    rows: Option<usize>,
}

impl Cli {
    /// Does what was asked; a service ends with a signal, or with its first failure.
    ///
    /// # Errors
    /// What went wrong, in a sentence.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        telemetry::logs(self.log_json);
        let done = self.command.run().await;
        traces::end().await;
        done
    }
}

impl Command {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let done = match self {
            Command::Up(options) => up::run(options, Contexts::all()).await,
            Command::Migrate(options) => {
                migrate(&options.databases).await?;
                migrate_keys(&options.keys_database).await
            }
            Command::CommandApi(options) => options.run().await,
            Command::Relay(options) => options.run().await,
            Command::Worker(options) => options.run().await,
            Command::Projector(options) => options.run().await,
            Command::ReadApi(options) => options.run().await,
            Command::Keys(command) => command.run().await,
            Command::Projections(command) => command.run().await,
            Command::Workers(command) => command.run().await,
            Command::Audit(command) => return Ok(command.run().await),
            Command::Demo(options) => options.run().await,
            Command::Bench(bench) => bench.run().await,
            Command::BenchWriter(writer) => writer.run().await,
            Command::Log(OfLog::NewEpoch(options)) => options.run().await,
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

/// A process that ends with a signal.
async fn process(
    service: &'static str,
    databases: &Databases,
    topics: Topics,
    personal: Option<&Personal>,
) -> anyhow::Result<Process> {
    let mut tasks = Supervisor::new(CancellationToken::new());
    tasks.spawn("the signal handler", stop_on_signal(tasks.stop()));
    let metrics = measure::collect()?;
    traces::start(service)?;
    let contexts = Contexts::all();
    let mut process = Process::start(contexts, databases, topics, personal, tasks).await?;
    process.tell(metrics);
    Ok(process)
}

/// Serves HTTP and runs until the end.
async fn run(mut process: Process, listen: Listen, door: Door) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen.listen)
        .await
        .with_context(|| format!("listening on {}", listen.listen))?;
    tracing::info!(address = %listen.listen, "listening");
    process.serve(listener, door);
    Ok(process.tasks.run().await?)
}

impl CommandApi {
    async fn run(self) -> anyhow::Result<()> {
        let door = self.door.open()?;
        let mut process = process(
            "command-api",
            &self.databases,
            self.topics,
            Some(&self.personal),
        )
        .await?;
        restored::refuse(&process.log, &process.read, self.kafka.relay().as_ref()).await?;
        let app = process.command_api(self.keys.master()?, self.keys.tokens()?)?;
        if let (Some(email), Some(password)) = (self.admin.admin_email, self.admin.admin_password) {
            up::ensure_first_admin(&app, &email, Some(SecretString::from(password))).await?;
        }
        run(process, self.listen, door).await
    }
}

impl Relay {
    async fn run(self) -> anyhow::Result<()> {
        let mut process = process("relay", &self.databases, self.topics, None).await?;
        let options = self.kafka.relay().context("a relay needs KAFKA_BROKERS")?;
        process.relay(options);
        run(process, self.listen, Door::default()).await
    }
}

impl Worker {
    async fn run(self) -> anyhow::Result<()> {
        let key = MasterKey::new(self.master_key.as_bytes()).context("COMPTOIR_MASTER_KEY")?;
        let mail = self.mail.open(&key)?;
        let tree = self.checkpoints.open(self.kafka.kafka_brokers.as_deref())?;
        let mut process =
            process("worker", &self.databases, self.topics, Some(&self.personal)).await?;
        process.worker(mail).await?;
        process.tree(tree);
        run(process, self.listen, Door::default()).await
    }
}

impl Projector {
    async fn run(self) -> anyhow::Result<()> {
        let mut process = process(
            "projector",
            &self.databases,
            self.topics,
            Some(&self.personal),
        )
        .await?;
        process.projector(self.kafka.source());
        run(process, self.listen, Door::default()).await
    }
}

impl ReadApi {
    async fn run(self) -> anyhow::Result<()> {
        let door = self.door.open()?;
        let mut process = process(
            "read-api",
            &self.databases,
            self.topics,
            Some(&self.personal),
        )
        .await?;
        restored::refuse(&process.log, &process.read, self.kafka.relay().as_ref()).await?;
        let tokens =
            service_kit::token::Tokens::parse(&self.token_key).context("COMPTOIR_TOKEN_KEY")?;
        process.read_api(tokens, self.kafka.relay());
        run(process, self.listen, door).await
    }
}

impl Demo {
    async fn run(self) -> anyhow::Result<()> {
        let options = demo::Options {
            url: self.url,
            email: self.email,
            password: self.password,
            progress: self.progress,
            rows: self.rows,
        };
        let report = demo::play(&options).await?;
        println!("{}", report.table());
        Ok(())
    }
}

impl NewEpoch {
    async fn run(self) -> anyhow::Result<()> {
        let pool =
            database::pool(&self.databases.database_url, "log", 1).context("DATABASE_URL")?;
        let begun = epoch::begin(&pool).await.context("the new epoch")?;
        println!("The log has the new epoch {}.", begun.epoch);
        for (context, generation) in begun.topics {
            println!("The topic of {context} is its generation {generation}.");
        }
        println!("The relay sends all {} events anew.", begun.head);
        if self.clear_read {
            clear_read(self.databases.read_url())
                .await
                .context("clearing the read tables")?;
            println!("The read tables are empty; projectors fill them again.");
        }
        Ok(())
    }
}
