//! The PostgreSQL process on a data folder: whether it runs, what a killed one left, whether it answers.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, interval, timeout};

use super::process::{GLANCE, Server};
use super::program::Stop;
use super::{folder, processes};

/// SIGINT is PostgreSQL's fast shutdown, SIGQUIT its immediate one, after which the log is replayed.
pub(super) const STOP: Stop = Stop {
    signal: "INT",
    limit: Duration::from_secs(60),
    last_resort: "QUIT",
};

const START_LIMIT: Duration = Duration::from_secs(60);
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// The server that runs on `data`: its `postmaster.pid` names a postgres process that works in `data`.
pub(super) fn running(data: &Path) -> anyhow::Result<Option<Server>> {
    let Some(pid) = postmaster_line(data, 1)?.and_then(|line| line.parse().ok()) else {
        return Ok(None);
    };
    let ours = processes::runs(pid, "postgres") && processes::works_in(pid, data);
    Ok(if ours { Server::found(pid, STOP) } else { None })
}

/// Removes what a killed server left of its claim on `data`. PostgreSQL itself takes a dead process that nobody
/// has reaped, or another with the same id, for the owner; what it guards against is waited out here: a killed
/// server's children may still write, until they notice.
pub(super) async fn clear_stale_claim(data: &Path) -> anyhow::Result<()> {
    let claim = data.join("postmaster.pid");
    if !claim.exists() {
        return Ok(());
    }
    let deadline = Instant::now() + STOP.limit;
    let mut glances = interval(GLANCE);
    while let Some(pid) = processes::working_in("postgres", data) {
        if Instant::now() >= deadline {
            bail!(
                "process {pid}, left by a killed PostgreSQL, still works in {}: end it",
                data.display()
            );
        }
        glances.tick().await;
    }
    fs::remove_file(&claim).with_context(|| format!("cannot remove {}", claim.display()))
}

/// The port of the server that runs on `data`, once it has written it down.
pub(super) fn port(data: &Path) -> anyhow::Result<Option<u16>> {
    Ok(postmaster_line(data, 4)?.and_then(|line| line.parse().ok()))
}

/// A line (from 1) of `postmaster.pid`: the process id is the first, the port the fourth.
fn postmaster_line(data: &Path, line: usize) -> anyhow::Result<Option<String>> {
    let text = folder::read(&data.join("postmaster.pid"))?;
    Ok(text.and_then(|text| {
        text.lines()
            .nth(line - 1)
            .map(|line| line.trim().to_owned())
    }))
}

/// Waits until a query can be made at `url`; fails when the process ends, when the login is refused, or after 60 s.
pub(super) async fn answers(server: &Server, url: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + START_LIMIT;
    let mut glances = interval(GLANCE);
    loop {
        glances.tick().await;
        if !server.alive() {
            bail!("its process has ended");
        }
        match timeout(CONNECT_LIMIT, PgConnection::connect(url)).await {
            Ok(Ok(connection)) => return Ok(connection.close().await?),
            // Class 57 says that it is starting up or shutting down; any other refusal is final.
            Ok(Err(sqlx::Error::Database(refusal)))
                if !refusal.code().is_some_and(|code| code.starts_with("57")) =>
            {
                return Err(sqlx::Error::Database(refusal).into());
            }
            _ if Instant::now() < deadline => {}
            _ => bail!("it does not answer in {START_LIMIT:?}"),
        }
    }
}
