//! A command API in a process of its own, and a token that it takes.

use std::fs::File;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::Utc;
use domain::actor::{Actor, Role};
use event_store::personal::MasterKeys;
use service_kit::token::Tokens;
use tokio::process::{Child, Command};
use tokio::time::{Instant, interval};
use uuid::Uuid;

use super::cpu;
use super::scratch::Scratch;

const START_LIMIT: Duration = Duration::from_secs(60);
const GLANCE: Duration = Duration::from_millis(50);

/// A running command API.
pub(super) struct Service {
    child: Child,
    /// `host:port`.
    pub(super) address: String,
    tokens: Tokens,
    log: Scratch,
}

impl Service {
    /// Starts one on the log at `url`; returns when it is ready.
    pub(super) async fn start(url: &str) -> anyhow::Result<Self> {
        let log = Scratch::new()?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
        let token_key = Uuid::new_v4().simple().to_string();
        let child = Command::new(std::env::current_exe()?)
            .arg("command-api")
            .env("DATABASE_URL", url)
            .env("COMPTOIR_PERSONAL_KEYS", MasterKeys::make("bench")?)
            .env("COMPTOIR_MASTER_KEY", Uuid::new_v4().simple().to_string())
            .env("COMPTOIR_TOKEN_KEY", &token_key)
            .env("COMPTOIR_LISTEN", &address)
            .env_remove("COMPTOIR_ADMIN_EMAIL")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(log.path().join("log"))?)
            .kill_on_drop(true)
            .spawn()
            .context("starting the command API")?;
        let mut service = Self {
            child,
            address,
            tokens: Tokens::new(token_key.as_bytes())?,
            log,
        };
        service.wait().await?;
        Ok(service)
    }

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
                bail!("the command API did not start: {}", log.trim());
            }
        }
    }

    /// A token of somebody who owns hotels and books rooms, good for a quarter of an hour.
    pub(super) fn token(&self) -> anyhow::Result<String> {
        let actor = Actor {
            account: Uuid::from_u128(2),
            roles: vec![Role::Hotelier, Role::Buyer],
        };
        Ok(self.tokens.issue(&actor, Utc::now())?)
    }

    /// The microseconds of CPU time that it has spent.
    pub(super) fn cpu(&self) -> Option<u64> {
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
