//! Services as processes of their own, as a deployment runs them.

use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use comptoir::settings::Databases;
use serde_json::json;
use uuid::Uuid;

use super::{ADMIN_EMAIL, ADMIN_PASSWORD, Client, free_port, personal, servers, signal, wait_for};

/// The name and the key of a log in tests.
pub const CHECKPOINT_KEYS: &str = "tests:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const LIMIT: Duration = Duration::from_secs(60);

/// What every service is told.
#[derive(Clone)]
pub struct Deployment {
    pub databases: Databases,
    /// None: the log feeds the projectors.
    pub brokers: Option<String>,
    pub topic_prefix: String,
    /// Further variables of the services.
    pub variables: Vec<(&'static str, String)>,
    /// What they print.
    pub log: PathBuf,
}

/// A service in a process of its own.
pub struct Service {
    pub client: Client,
    child: Child,
}

impl Deployment {
    /// One on these databases, with topics of its own in the run's Kafka.
    pub fn new(databases: Databases, log: PathBuf) -> Self {
        Self {
            databases,
            brokers: Some(servers().kafka.brokers().to_owned()),
            topic_prefix: format!("t{}", Uuid::new_v4().simple()),
            variables: Vec::new(),
            log,
        }
    }

    fn command(&self, arguments: &[&str], port: u16) -> Child {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_comptoir"));
        command
            .args(arguments)
            .env("DATABASE_URL", &self.databases.database_url)
            .env("READ_DATABASE_URL", self.databases.read_url())
            .env("COMPTOIR_TOPIC_PREFIX", &self.topic_prefix)
            .env("COMPTOIR_MASTER_KEY", "m".repeat(32))
            .env("COMPTOIR_PERSONAL_KEYS", personal().personal_keys)
            .env("COMPTOIR_CHECKPOINT_KEYS", CHECKPOINT_KEYS)
            .env("COMPTOIR_TOKEN_KEY", "t".repeat(32))
            .env("COMPTOIR_ADMIN_EMAIL", ADMIN_EMAIL)
            .env("COMPTOIR_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .env("COMPTOIR_PUBLIC_URL", "https://comptoir.example")
            .env("COMPTOIR_MAIL", self.log.with_file_name("mail"))
            .env("COMPTOIR_LISTEN", format!("127.0.0.1:{port}"))
            // One address asks for all.
            .env("COMPTOIR_REQUESTS_PER_SECOND", "0")
            .env("COMPTOIR_SIGN_INS_PER_MINUTE", "0")
            .env_remove("KAFKA_BROKERS")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        if let Some(brokers) = &self.brokers {
            command.env("KAFKA_BROKERS", brokers);
        }
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Starts a service and waits until it is ready.
    pub async fn start(&self, subcommand: &str) -> Service {
        let port = free_port();
        let child = self.command(&[subcommand], port);
        let url = format!("http://127.0.0.1:{port}");
        wait_for(subcommand, LIMIT, || async {
            let ready = reqwest::get(format!("{url}/readyz")).await.ok()?;
            ready.status().is_success().then_some(())
        })
        .await;
        let client = Client::new(url);
        Service { child, client }
    }

    /// Runs a command that ends by itself.
    pub async fn run(&self, arguments: &[&str]) -> ExitStatus {
        self.spawn(arguments).ended().await
    }

    /// Starts a command that ends by itself.
    pub fn spawn(&self, arguments: &[&str]) -> Service {
        let client = Client::new(String::new());
        let child = self.command(arguments, free_port());
        Service { child, client }
    }

    /// What its processes have printed so far.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Service {
    /// The access token of the administrator, who signs in here.
    pub async fn sign_in(&self) -> String {
        let login = json!({ "email": ADMIN_EMAIL, "password": ADMIN_PASSWORD });
        let signed_in = self.client.post("/api/auth/login", login).await.expect(200);
        signed_in.body["access_token"].as_str().unwrap().to_owned()
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }

    /// Waits until it ends by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        wait_for("the end of a process", LIMIT, || {
            let ended = self.child.try_wait().unwrap();
            async move { ended }
        })
        .await
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
    }
}
