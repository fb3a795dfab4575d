//! Several processes that append to one log at once.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use super::callers::{Load, Until, drive};
use super::ours::Ours;

/// How long a writer appends before it says that it is ready: connections and plans are made then.
const WARM_UP: Duration = Duration::from_millis(300);

/// One process among several that a bench lets append.
#[derive(Args)]
pub(crate) struct Writer {
    /// Callers in this process.
    #[arg(long)]
    callers: u64,
    /// How long it appends once it is told to.
    #[arg(long, value_parser = super::seconds)]
    seconds: Duration,
    /// The log's database.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
}

/// What a writer tells in the end.
#[derive(Serialize, Deserialize)]
struct Written {
    events: usize,
    seconds: f64,
}

impl Writer {
    /// Says that it is ready, waits for a line, appends, and tells how much.
    ///
    /// # Errors
    /// When an append fails.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let ours = Ours::open(&self.database_url).await?;
        append(&ours, self.callers, Until::Over(WARM_UP)).await?;
        println!("ready");
        tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
        let load = append(&ours, self.callers, Until::Over(self.seconds)).await?;
        let written = Written {
            events: load.done(),
            seconds: load.seconds(),
        };
        println!("{}", serde_json::to_string(&written)?);
        ours.close();
        Ok(())
    }
}

/// Lets so many callers append to new streams.
pub(super) async fn append(ours: &Ours, callers: u64, until: Until) -> anyhow::Result<Load> {
    let ours = Arc::new(ours.clone());
    drive(callers, until, move |_| {
        let ours = ours.clone();
        async move { ours.append_new().await }
    })
    .await
}

/// Events a second that so many processes append together, each with so many callers.
pub(super) async fn several(
    url: &str,
    processes: u64,
    callers: u64,
    time: Duration,
) -> anyhow::Result<f64> {
    let mut writers = Vec::new();
    for _ in 0..processes {
        writers.push(spawn(url, callers, time)?);
    }
    try_join_all(writers.iter_mut().map(ready)).await?;
    let written = try_join_all(writers.iter_mut().map(written)).await?;
    let events: usize = written.iter().map(|written| written.events).sum();
    let seconds = written.iter().map(|written| written.seconds);
    Ok(events as f64 / seconds.fold(0.0, f64::max))
}

/// A process, and the lines that it tells.
type Telling = (Child, BufReader<ChildStdout>);

fn spawn(url: &str, callers: u64, time: Duration) -> anyhow::Result<Telling> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("bench-writer")
        .args(["--callers", &callers.to_string()])
        .args(["--seconds", &time.as_secs_f64().to_string()])
        .env("DATABASE_URL", url)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .context("starting a writer")?;
    let told = child.stdout.take().context("a writer tells nothing")?;
    Ok((child, BufReader::new(told)))
}

async fn ready((_, told): &mut Telling) -> anyhow::Result<()> {
    let mut line = String::new();
    told.read_line(&mut line).await?;
    ensure!(line.trim() == "ready", "a writer ended before it was ready");
    Ok(())
}

async fn written((child, told): &mut Telling) -> anyhow::Result<Written> {
    let mut orders = child.stdin.take().context("a writer takes no orders")?;
    orders.write_all(b"go\n").await?;
    let mut text = String::new();
    told.read_to_string(&mut text).await?;
    ensure!(child.wait().await?.success(), "a writer failed");
    Ok(serde_json::from_str(text.trim())?)
}
