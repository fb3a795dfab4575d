//! Services in processes of their own, and tokens that they take.

use std::fs::File;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::Utc;
use domain::actor::{Actor, Role};
use event_store::personal::MasterKeys;
use event_store::relay;
use service_kit::token::Tokens;
use tokio::process::{Child, Command};
use tokio::time::{Instant, interval};
use uuid::Uuid;

use super::cpu::{self, Cpu, Meter};
use super::scratch::Scratch;

const START_LIMIT: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(50);

/// What the services of one bench share.
pub(super) struct Deployment {
    url: String,
    token_key: String,
    master_key: String,
    personal_keys: String,
    /// Brokers, and what topic names begin with.
    kafka: Option<(String, String)>,
}

/// A running service.
pub(super) struct Service {
    child: Child,
    /// `host:port`.
    pub(super) address: String,
    tokens: Tokens,
    log: Scratch,
}

/// CPU time that PostgreSQL, a service and this client spend.
pub(super) struct Spending<'a> {
    service: &'a Service,
    meter: Meter,
    before: Option<u64>,
}

/// Microseconds of CPU time, one value a run.
#[derive(Default)]
pub(super) struct CallCpu {
    pub(super) all: Vec<f64>,
    pub(super) service: Vec<f64>,
    pub(super) client: Vec<f64>,
}

impl Spending<'_> {
    /// Adds what each of so many calls has cost, where all of them run here.
    pub(super) fn add_to(self, cpu: &mut CallCpu, calls: usize) {
        let (spent, after) = (self.meter.spent(), self.service.cpu());
        if let (Some(spent), Some(before), Some(after)) = (spent, self.before, after) {
            let (of_service, calls) = ((after - before) as f64, calls as f64);
            cpu.service.push(of_service / calls);
            cpu.client.push(spent.own as f64 / calls);
            let all = (spent.server + spent.own) as f64 + of_service;
            cpu.all.push(all / calls);
        }
    }
}

impl Deployment {
    /// Services on the databases at `url`, with keys of their own.
    pub(super) fn of(url: &str) -> anyhow::Result<Self> {
        Ok(Self {
            url: url.to_owned(),
            token_key: Uuid::new_v4().simple().to_string(),
            master_key: Uuid::new_v4().simple().to_string(),
            personal_keys: MasterKeys::make("bench")?,
            kafka: None,
        })
    }

    /// With this Kafka between relay and projector.
    pub(super) fn through(mut self, relay: &relay::Options) -> Self {
        self.kafka = Some((relay.brokers.clone(), relay.topic_prefix.clone()));
        self
    }

    /// Starts a service by its subcommand; returns when it is ready.
    pub(super) async fn start(&self, subcommand: &str) -> anyhow::Result<Service> {
        let log = Scratch::new()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg(subcommand)
            .env("DATABASE_URL", &self.url)
            .env("COMPTOIR_PERSONAL_KEYS", &self.personal_keys)
            .env("COMPTOIR_MASTER_KEY", &self.master_key)
            .env("COMPTOIR_TOKEN_KEY", &self.token_key)
            // Its one address asks for all.
            .env("COMPTOIR_REQUESTS_PER_SECOND", "0")
            .env("COMPTOIR_SIGN_INS_PER_MINUTE", "0")
            .env("COMPTOIR_LISTEN", &address)
            .env_remove("COMPTOIR_ADMIN_EMAIL")
            .env_remove("READ_DATABASE_URL")
            .env_remove("KAFKA_BROKERS")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(log.path().join("log"))?)
            .kill_on_drop(true);
        if let Some((brokers, prefix)) = &self.kafka {
            command.env("KAFKA_BROKERS", brokers);
            command.env("COMPTOIR_TOPIC_PREFIX", prefix);
        }
        let child = command.spawn();
        let mut service = Service {
            child: child.with_context(|| format!("starting {subcommand}"))?,
            address,
            tokens: Tokens::new(self.token_key.as_bytes())?,
            log,
        };
        service.wait().await?;
        Ok(service)
    }
}

impl Service {
    async fn wait(&mut self) -> anyhow::Result<()> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let deadline = Instant::now() + START_LIMIT;
        let mut glances = interval(GLANCE);
        loop {
            glances.tick().await;
            let ready = http.get(format!("http://{}/readyz", self.address));
            if let Ok(answer) = ready.send().await
                && answer.status().is_success()
            {
                return Ok(());
            }
            if self.child.try_wait()?.is_some() || Instant::now() >= deadline {
                let log = std::fs::read_to_string(self.log.path().join("log"))?;
                bail!("a service did not start: {}", log.trim());
            }
        }
    }

    /// A token of somebody who owns hotels and books rooms, good for a quarter of an hour.
    pub(super) fn token(&self) -> anyhow::Result<String> {
        self.token_of(&[Role::Hotelier, Role::Buyer])
    }

    /// A token of somebody with these roles.
    pub(super) fn token_of(&self, roles: &[Role]) -> anyhow::Result<String> {
        let actor = Actor {
            account: Uuid::from_u128(2),
            roles: roles.to_vec(),
        };
        Ok(self.tokens.issue(&actor, Utc::now())?)
    }

    /// Begins to count what calls cost, which the server `cpu` is behind.
    pub(super) fn spending(&self, cpu: Cpu) -> Spending<'_> {
        Spending {
            service: self,
            meter: cpu.begin(),
            before: self.cpu(),
        }
    }

    /// The microseconds of CPU time that it has spent.
    fn cpu(&self) -> Option<u64> {
        cpu::of_process(self.child.id()?)
    }

    /// The most memory (MiB) that it has had resident.
    pub(super) fn memory(&self) -> Option<f64> {
        cpu::most_memory(self.child.id()?)
    }

    /// Ends it.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }
}
