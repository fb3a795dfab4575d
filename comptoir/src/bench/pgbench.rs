//! pgbench, PostgreSQL's own load generator.

use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::Url;
use tokio::process::Command;

use super::cpu::Cpu;
use super::numbers::quantile_ms;
use super::scratch::Scratch;

/// What the names of the files begin with in which it writes latencies down.
const LATENCIES: &str = "latencies";

/// How it is found and where it connects.
pub(super) struct Pgbench {
    program: PathBuf,
    /// Without the password, which stays out of the list of processes.
    url: Url,
    password: Option<String>,
    cpu: Cpu,
    folder: Scratch,
}

/// A transaction to run: its statement, and the values of its variables.
pub(super) struct Script {
    pub(super) statement: String,
    pub(super) variables: Vec<(String, String)>,
}

/// What it measured.
pub(super) struct Measured {
    /// Transactions a second, without the time to connect.
    pub(super) rate: f64,
    /// The median latency, with one client alone: writing every latency down costs time.
    pub(super) p50_ms: Option<f64>,
    /// CPU time of a transaction, server and client.
    pub(super) cpu_micros: Option<f64>,
}

/// One run of it.
struct Ran {
    told: String,
    transactions: f64,
    cpu: Option<f64>,
}

impl Pgbench {
    /// The pgbench of this machine, for the database at `url`.
    pub(super) fn find(url: &str, cpu: Cpu) -> anyhow::Result<Self> {
        let mut url = Url::parse(url)?;
        let password = url.password().map(str::to_owned);
        if password.is_some() && url.set_password(None).is_err() {
            bail!("DATABASE_URL has no host");
        }
        Ok(Self {
            program: program()?,
            url,
            password,
            cpu,
            folder: Scratch::new()?,
        })
    }

    /// Runs `script` with so many clients, each a connection, for this time in whole seconds.
    pub(super) async fn run(
        &self,
        script: &Script,
        clients: u64,
        time: Duration,
    ) -> anyhow::Result<Measured> {
        let file = self.folder.path().join("script.sql");
        std::fs::write(&file, &script.statement)?;
        let seconds = (time.as_secs_f64().ceil() as u64).to_string();
        let prepare = |lasting: [&str; 2]| {
            let mut command = self.command(clients);
            command.args(lasting).arg("-f").arg(&file);
            for (name, value) in &script.variables {
                command.arg("-D").arg(format!("{name}={value}"));
            }
            command
        };
        // What connecting costs is no part of a transaction: a run of one each tells it.
        let once = self.ran(prepare(["-t", "1"])).await?;
        let mut command = prepare(["-T", &seconds]);
        if clients == 1 {
            let logs = self.folder.path().join(LATENCIES);
            command.arg("-l").arg("--log-prefix").arg(logs);
        }
        let ran = self.ran(command).await?;
        let cpu_micros = once.cpu.zip(ran.cpu).map(|(once, cpu)| cpu - once);
        let transactions = ran.transactions - once.transactions;
        Ok(Measured {
            rate: after(&ran.told, "\ntps = ")?,
            p50_ms: match clients {
                1 => Some(p50(self.folder.path())?),
                _ => None,
            },
            cpu_micros: cpu_micros.map(|cpu| cpu / transactions),
        })
    }

    async fn ran(&self, mut command: Command) -> anyhow::Result<Ran> {
        command.arg(self.url.as_str());
        let meter = self.cpu.begin();
        let output = command.output().await.context("running pgbench")?;
        let spent = meter.spent();
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr);
            bail!("pgbench failed: {}", why.trim());
        }
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Ran {
            transactions: after(&told, "number of transactions actually processed: ")?,
            told,
            cpu: spent.map(|spent| (spent.server + spent.children) as f64),
        })
    }

    fn command(&self, clients: u64) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["-n", "-M", "prepared"]);
        command.args(["-c", &clients.to_string()]);
        command.args(["-j", &clients.min(2).to_string()]);
        command.stdin(Stdio::null()).kill_on_drop(true);
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        command
    }
}

/// The program itself: in PostgreSQL's folder, else on the way. Debian's `pgbench` on the way is a
/// wrapper in Perl.
fn program() -> anyhow::Result<PathBuf> {
    let mut folders = Vec::new();
    if let Ok(answer) = Blocking::new("pg_config").arg("--bindir").output() {
        let told = String::from_utf8_lossy(&answer.stdout);
        folders.push(PathBuf::from(told.trim()));
    }
    let installed = std::fs::read_dir("/usr/lib/postgresql");
    let installed = installed.into_iter().flatten().flatten();
    folders.extend(installed.map(|version| version.path().join("bin")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    folders.extend(std::env::split_paths(&path));
    folders
        .iter()
        .map(|folder| folder.join("pgbench"))
        .find(|program| program.is_file())
        .context("pgbench is not found: install PostgreSQL's contrib programs (Debian: postgresql)")
}

/// The number that follows `label` in what pgbench told.
fn after(told: &str, label: &str) -> anyhow::Result<f64> {
    let number = told.split_once(label).and_then(|(_, rest)| {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        rest[..end.unwrap_or(rest.len())].parse().ok()
    });
    number.with_context(|| format!("pgbench did not tell {:?}: {told}", label.trim()))
}

/// The median latency of what was written down: client, number, microseconds, and more. Files of
/// an earlier run are taken away.
fn p50(folder: &Path) -> anyhow::Result<f64> {
    let mut micros = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if !name.as_encoded_bytes().starts_with(LATENCIES.as_bytes()) {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        micros.extend(text.lines().filter_map(|line| {
            let micros: u32 = line.split(' ').nth(2)?.parse().ok()?;
            Some(micros)
        }));
        std::fs::remove_file(&path)?;
    }
    Ok(quantile_ms(&mut micros, 50))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_pgbench_tells() -> anyhow::Result<()> {
        let told = "number of transactions actually processed: 4321\nlatency average = 4.532 ms\n\
                    initial connection time = 90.1 ms\ntps = 14115.6 (without initial connection time)\n";
        assert_eq!(after(told, "\ntps = ")?, 14115.6);
        assert_eq!(after(told, "latency average = ")?, 4.532);
        assert!(after(told, "something else").is_err());
        Ok(())
    }
}
