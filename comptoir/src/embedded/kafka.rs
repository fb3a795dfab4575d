//! An Apache Kafka of our own on 127.0.0.1: one KRaft node, in a folder of ours.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;

use super::kafka_config::{self, Ports};
use super::kafka_ready;
pub use super::kafka_tools::Tools;
use super::process::Server;
use super::program::{Program, Stop};
use super::{Lifetime, check_platform, folder, kafka_tools, processes};

const STOP: Stop = Stop {
    signal: "TERM",
    limit: Duration::from_secs(30),
    last_resort: "KILL",
};

/// A running Kafka broker.
#[derive(Debug)]
pub struct Kafka {
    server: Server,
    brokers: String,
    adopted: bool,
    origin: String,
    _claim: File,
}

impl Kafka {
    /// The Java (17 or newer) and the Maven of this machine.
    ///
    /// # Errors
    /// One sentence that names what is missing.
    pub fn find_tools() -> Result<Tools, String> {
        Tools::find()
    }

    /// Starts the broker on `dir` (created and formatted at the first start), or adopts the one that an
    /// earlier, killed process of ours left running there. Returns once it can serve topics.
    ///
    /// # Errors
    /// When another process of ours holds `dir`, when Kafka cannot be fetched, and when it does not answer in
    /// 120 s: then the ends of its logs are in the message.
    pub async fn start(tools: &Tools, dir: &Path, lifetime: Lifetime) -> anyhow::Result<Kafka> {
        check_platform()?;
        let (dir, claim) = folder::claim(dir)?;
        let left = left_running(&dir, lifetime).await?;
        let adopted = left.is_some();
        let (server, port) = match left {
            Some(left) => left,
            None => launch(tools, &dir, lifetime).await?,
        };
        fs::write(dir.join("kafka.pid"), server.pid().to_string())?;
        let brokers = format!("127.0.0.1:{port}");
        Ok(Kafka {
            server,
            brokers,
            adopted,
            origin: tools.origin(),
            _claim: claim,
        })
    }

    /// `127.0.0.1:PORT`, for `bootstrap.servers`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// Whether an earlier process of ours had left it running.
    pub fn adopted(&self) -> bool {
        self.adopted
    }

    /// The broker's process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Its version and the Java that runs it.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Stops it and waits for its end; after 30 s it is killed, which its logs are made for.
    ///
    /// # Errors
    /// When it cannot be signalled or does not end.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.server.stop().await
    }
}

/// The broker that an earlier start left on `dir`, and its port, once it answers; `None` when there is none, or
/// it ends instead, as one that was being stopped does. It is looked up among all processes: unlike `kafka.pid`,
/// that cannot be stale, nor missing after a kill at the wrong moment.
async fn left_running(dir: &Path, lifetime: Lifetime) -> anyhow::Result<Option<(Server, u16)>> {
    let pid = processes::running("java", properties(dir).as_os_str());
    let Some(server) = pid.and_then(|pid| Server::found(pid, STOP)) else {
        return Ok(None);
    };
    if lifetime == Lifetime::Tied {
        server.stop().await?;
        return Ok(None);
    }
    let port = folder::read(&dir.join("port"))?.and_then(|port| port.trim().parse().ok());
    let port = port
        .with_context(|| format!("Kafka runs on {}, but its port file is gone", dir.display()))?;
    match kafka_ready::answers(&server, port).await {
        Ok(()) => Ok(Some((server, port))),
        Err(_) if !server.alive() => Ok(None),
        Err(error) => Err(error.context(format!(
            "Kafka, left running by an earlier start as process {}, does not answer; {}",
            server.pid(),
            logs(dir)
        ))),
    }
}

async fn launch(tools: &Tools, dir: &Path, lifetime: Lifetime) -> anyhow::Result<(Server, u16)> {
    let libs = kafka_tools::libraries(tools).await?;
    let clients = folder::port(&dir.join("port"), None)?;
    let controller = folder::port(&dir.join("controller-port"), Some(clients))?;
    let ports = Ports {
        clients,
        controller,
    };
    fs::write(
        dir.join("log4j2.properties"),
        kafka_config::log4j_properties(dir)?,
    )?;
    let data = dir.join("data");
    if !data.exists() {
        kafka_config::format(tools, &libs, dir, ports).await?;
    }
    fs::write(
        properties(dir),
        kafka_config::server_properties(&data, ports)?,
    )?;
    let mut arguments = java_arguments(&libs, dir);
    arguments.extend(["kafka.Kafka".into(), properties(dir).into()]);
    let program = Program {
        path: tools.java.clone(),
        arguments,
        account: None,
        log: folder::open_log(&dir.join("kafka.out"))?,
        stop: STOP,
    };
    let server = Server::start(program, lifetime).await?;
    if let Err(error) = kafka_ready::answers(&server, clients).await {
        server.stop().await?;
        return Err(error.context(format!("Kafka did not start; {}", logs(dir))));
    }
    Ok((server, clients))
}

fn properties(dir: &Path) -> PathBuf {
    dir.join("server.properties")
}

/// How `java` is called for any of Kafka's programs.
pub(super) fn java_arguments(libs: &Path, dir: &Path) -> Vec<OsString> {
    let mut log4j = OsString::from("-Dlog4j2.configurationFile=");
    log4j.push(dir.join("log4j2.properties"));
    let mut crash = OsString::from("-XX:ErrorFile=");
    crash.push(dir.join("java-crash.log"));
    let mut arguments = Vec::from(["-Xms256m", "-Xmx512m"].map(OsString::from));
    arguments.extend([
        crash,
        log4j,
        "-cp".into(),
        libs.join(OsStr::new("*")).into(),
    ]);
    arguments
}

fn logs(dir: &Path) -> String {
    let [output, log] = ["kafka.out", "kafka.log"].map(|name| folder::log_tail(&dir.join(name)));
    format!("{output}\n{log}")
}
