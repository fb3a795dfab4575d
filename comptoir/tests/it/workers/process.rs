//! Workers: in this process, or as processes of their own that are killed and frozen.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use event_store::Log;
use event_store::personal::Keyring;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use workers::runtime::{Error, Registered, register, run_due, run_policies};

use super::policies;
use crate::support::signal;

const URL: &str = "COMPTOIR_WORKER_URL";
const NAME: &str = "COMPTOIR_WORKER_NAME";

/// A log whose connections have a name.
pub async fn open(url: &str, name: &str) -> Log {
    let options = event_store::database::options(url).unwrap();
    let options = options
        .application_name(name)
        .options([("search_path", "log")]);
    let pool = PgPoolOptions::new()
        .max_connections(8)
        .connect_lazy_with(options);
    let options = event_store::Options {
        contexts: vec!["toys"],
        partitions: 3,
        keyring: Keyring::none(),
    };
    Log::open(pool, &options, CancellationToken::new())
        .await
        .unwrap()
}

/// A worker in this process.
pub struct Worker {
    stop: CancellationToken,
    policies: JoinHandle<Result<(), Error>>,
    due: JoinHandle<Result<(), Error>>,
}

impl Worker {
    /// One with every toy policy.
    pub async fn start(log: &Log) -> Self {
        Self::of(log, policies::toys()).await
    }

    pub async fn of(log: &Log, all: Vec<Registered>) -> Self {
        register(log, &all).await.unwrap();
        let stop = CancellationToken::new();
        Self {
            policies: tokio::spawn(run_policies(log.clone(), all.clone(), stop.clone())),
            due: tokio::spawn(run_due(log.clone(), all, stop.clone())),
            stop,
        }
    }

    /// Stops it; it must not have ended before.
    pub async fn stop(self) {
        self.stop.cancel();
        self.policies.await.unwrap().unwrap();
        self.due.await.unwrap().unwrap();
    }

    /// Why the task that leads ended by itself.
    pub async fn ended(self) -> Error {
        self.policies.await.unwrap().unwrap_err()
    }
}

/// A worker in a process of its own.
pub struct WorkerProcess {
    pub name: String,
    url: String,
    log: PathBuf,
    child: Child,
}

impl WorkerProcess {
    pub fn start(url: &str, name: &str, folder: &Path) -> Self {
        let log = folder.join(format!("{name}.log"));
        let child = spawn(url, name, &log);
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            log,
            child,
        }
    }

    /// SIGKILL, and another in its place.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.child = spawn(&self.url, &self.name, &self.log);
    }

    /// SIGKILL.
    pub fn end(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn signal(&self, name: &str) {
        signal(self.child.id(), name);
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _reaped_already = self.child.wait();
        if std::thread::panicking() {
            let printed = std::fs::read(&self.log).unwrap_or_default();
            println!("{}:\n{}", self.name, String::from_utf8_lossy(&printed));
        }
    }
}

fn spawn(url: &str, name: &str, log: &Path) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(log);
    let log = log.unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args(["workers::process::a_worker", "--ignored", "--exact"])
        .arg("--nocapture")
        .env(URL, url)
        .env(NAME, name)
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

/// Which worker leads, by the name of its connections.
pub async fn leader(pool: &PgPool) -> Option<String> {
    let sql = "SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid) \
         WHERE locktype = 'advisory' AND objid = 4715 AND granted \
         AND pg_stat_activity.datname = current_database()";
    sqlx::query_scalar(sql).fetch_optional(pool).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "tests run it as a process of its own"]
async fn a_worker() {
    let (Ok(url), Ok(name)) = (std::env::var(URL), std::env::var(NAME)) else {
        return;
    };
    service_kit::telemetry::logs(false);
    let log = open(&url, &name).await;
    let worker = Worker::start(&log).await;
    // It ends with its standard input, so also when the test itself is gone.
    let closed = || std::io::stdin().read_to_end(&mut Vec::new());
    tokio::task::spawn_blocking(closed).await.unwrap().unwrap();
    worker.stop().await;
}
