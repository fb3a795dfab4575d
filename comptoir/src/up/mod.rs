//! `comptoir up`: everything in one process, started by one command.

mod data;
mod secrets;
mod surroundings;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use command_api::identity::first_admin;
use secrecy::SecretString;
use service_kit::supervise::{Supervisor, stop_on_signal};
use service_kit::traces;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::contexts::Contexts;
use crate::embedded::postgres::Postgres;
use crate::services::{Process, migrate};
use crate::settings::checkpoints::{Checkpoints, Schedule};
use crate::settings::{Databases, Door, Kafka, Keys, Mail, Personal, Topics};
use crate::{demo, measure};
use secrets::Secrets;
use surroundings::Surroundings;

/// How `up` is told to start.
#[derive(Args, Clone)]
pub struct Options {
    /// Where it keeps everything; `.comptoir` here unless told otherwise.
    #[arg(long, env = "COMPTOIR_DATA")]
    data: Option<PathBuf>,
    /// The port of both APIs, on loopback.
    #[arg(long, env = "COMPTOIR_PORT", default_value_t = 8080)]
    port: u16,
    /// Plays 8,000 real reservations through the public API, then stays up.
    #[arg(long)]
    demo: bool,
    /// Plays so many of them only, from the first.
    #[arg(long, requires = "demo")]
    demo_rows: Option<usize>,
    /// Does without Kafka: the log feeds the projectors directly.
    #[arg(long)]
    no_kafka: bool,
    /// A PostgreSQL to use instead of one of its own.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// The read tables' PostgreSQL, when it is another.
    #[arg(long, env = "READ_DATABASE_URL", hide_env_values = true)]
    read_database_url: Option<String>,
    #[command(flatten)]
    topics: Topics,
    #[command(flatten)]
    kafka: Kafka,
    #[command(flatten)]
    mail: Mail,
    #[command(flatten)]
    schedule: Schedule,
    #[command(flatten)]
    admin: FirstAdmin,
    #[command(flatten)]
    door: Door,
}

/// The first administrator, when the platform has none.
#[derive(Args, Clone)]
pub struct FirstAdmin {
    /// The e-mail address of the first administrator.
    #[arg(long, env = "COMPTOIR_ADMIN_EMAIL")]
    pub admin_email: Option<String>,
    /// The password of the first administrator.
    #[arg(long, env = "COMPTOIR_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
}

impl Options {
    /// How its tree is signed: checkpoints go to a folder of its own, unless another is told.
    fn checkpoints(&self, secrets: &Secrets, data: &Path) -> Checkpoints {
        let mut schedule = self.schedule.clone();
        let folder = &mut schedule.publishing.checkpoint_folder;
        folder.get_or_insert_with(|| data.join("checkpoints"));
        Checkpoints {
            checkpoint_keys: secrets.checkpoint_keys.clone(),
            schedule,
        }
    }
}

/// What is known of an `up` that runs.
pub struct Running {
    /// Its databases.
    pub databases: Databases,
    /// What its personal data is sealed with.
    pub personal: Personal,
    /// What signs its checkpoints.
    pub checkpoint_keys: String,
}

/// Starts everything and stays up until a signal or the first failure.
///
/// # Errors
/// What could not be started, or what failed.
pub async fn run(options: Options, contexts: Contexts) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    let mut tasks = Supervisor::new(stop.clone());
    tasks.spawn("the signal handler", stop_on_signal(stop.clone()));
    // The port first: what it can't have is known before anything is started.
    let listener = TcpListener::bind(("127.0.0.1", options.port))
        .await
        .with_context(|| format!("port {} of 127.0.0.1 can't be had", options.port))?;
    let data = data::folder(options.data.clone())?;
    let secrets = Secrets::load(&data, &options.admin)?;
    let starting = Surroundings::start(&options, &data);
    let surroundings = tokio::select! {
        started = starting => started?,
        () = stop.cancelled() => bail!("stopped while starting"),
    };
    let outcome = serve(&options, contexts, &secrets, &surroundings, listener, tasks).await;
    let stopped = surroundings.stop().await;
    outcome.and(stopped)
}

async fn serve(
    options: &Options,
    contexts: Contexts,
    secrets: &Secrets,
    surroundings: &Surroundings,
    listener: TcpListener,
    tasks: Supervisor,
) -> anyhow::Result<()> {
    let databases = Databases {
        database_url: surroundings.database_url().to_owned(),
        read_database_url: options.read_database_url.clone(),
    };
    migrate(&databases).await?;
    let personal = secrets.personal();
    let metrics = measure::collect()?;
    traces::start("comptoir")?;
    let mut process =
        Process::start(contexts, &databases, options.topics, Some(&personal), tasks).await?;
    process.tell(metrics);
    let keys: Keys = secrets.keys();
    let here = listener.local_addr()?;
    let mail = options.mail.clone();
    let mail = mail.or(surroundings.data().join("mail"), format!("http://{here}"));
    process.worker(mail.open(&keys.master()?)?).await?;
    let checkpoints = options.checkpoints(secrets, surroundings.data());
    process.tree(checkpoints.open(surroundings.brokers())?);
    let mail = mail.told();
    let app = process.command_api(keys.master()?, keys.tokens()?)?;
    let kafka = Kafka {
        kafka_brokers: surroundings.brokers().map(str::to_owned),
        ..options.kafka.clone()
    };
    process.read_api(keys.tokens()?, kafka.relay());
    if let Some(relay) = kafka.relay() {
        process.relay(relay);
    }
    process.projector(kafka.source());
    let password = secrets.password().map(SecretString::from);
    ensure_first_admin(&app, &secrets.admin_email, password).await?;
    let address = listener.local_addr()?;
    process.serve(listener, options.door.open()?);
    println!("{}", surroundings.greeting(address, secrets, &mail));
    let stop = process.tasks.stop();
    if options.demo {
        let options = demo::Options {
            url: format!("http://{address}"),
            email: secrets.admin_email.clone(),
            password: secrets.password().context(
                "the demo signs in as the administrator: give COMPTOIR_ADMIN_PASSWORD again",
            )?,
            progress: surroundings.data().join("demo.ndjson"),
            rows: options.demo_rows,
        };
        process.tasks.spawn("the demo", play(options, stop));
    }
    Ok(process.tasks.run().await?)
}

/// Plays the demo, then waits for the end with everybody else.
async fn play(options: demo::Options, stop: CancellationToken) -> anyhow::Result<()> {
    tokio::select! {
        report = demo::play(&options) => {
            println!("{}\n\nIt stays up; Ctrl-C stops it.", report?.table());
            stop.cancelled().await;
        }
        () = stop.cancelled() => {}
    }
    Ok(())
}

/// The `up` that runs in `folder`, its `--data`.
///
/// # Errors
/// When none runs there, or its PostgreSQL is not one of its own.
pub fn running(folder: Option<PathBuf>) -> anyhow::Result<Running> {
    let data = data::folder(folder)?;
    let url = Postgres::running(&data.join("postgres"))?.with_context(|| {
        format!(
            "no `comptoir up` runs on {}: name its --data, or give DATABASE_URL",
            data.display()
        )
    })?;
    let admin = FirstAdmin {
        admin_email: None,
        admin_password: None,
    };
    let secrets = Secrets::load(&data, &admin)?;
    let databases = Databases {
        database_url: url,
        read_database_url: None,
    };
    Ok(Running {
        databases,
        personal: secrets.personal(),
        checkpoint_keys: secrets.checkpoint_keys,
    })
}

/// Registers the first administrator, when the platform has none.
///
/// # Errors
/// When the platform has none and no password is given, the address or password is no good, or
/// the log is away.
pub async fn ensure_first_admin(
    app: &command_api::App,
    email: &str,
    password: Option<SecretString>,
) -> anyhow::Result<()> {
    let told = |problem: service_kit::problem::Problem| match problem.errors.first() {
        Some(error) => anyhow::anyhow!(
            "the first administrator: {}: {}",
            error.pointer,
            error.detail
        ),
        None => anyhow::anyhow!("the first administrator: {}", problem.detail),
    };
    if first_admin::exists(app).await.map_err(told)? {
        return Ok(());
    }
    let password =
        password.context("there is no administrator yet: give COMPTOIR_ADMIN_PASSWORD")?;
    match first_admin::register(app, email, password).await {
        // Another process was first.
        Err(problem) if problem.code() == "administrator-exists" => Ok(()),
        registered => registered.map_err(told),
    }
}
