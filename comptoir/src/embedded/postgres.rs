//! A PostgreSQL of our own on 127.0.0.1, in a folder of ours.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;

use anyhow::Context;

use super::account::Account;
use super::binaries::{self, Binaries};
use super::postmaster::{self, STOP};
use super::process::Server;
use super::program::Program;
use super::{Lifetime, check_platform, folder, initdb, processes};

const SETTINGS: [&str; 10] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "cluster_name=comptoir",
    "fsync=on",
    "synchronous_commit=on",
    "max_connections=200",
    "shared_buffers=128MB",
    "max_wal_size=1GB",
    "log_checkpoints=off",
    "lc_messages=C",
];

/// A running PostgreSQL server with a database `comptoir`.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    url: String,
    adopted: bool,
    origin: String,
    _claim: File,
}

impl Postgres {
    /// Starts the server on `dir` (created and initialised at the first start), or adopts the one that an
    /// earlier, killed process of ours left running there. Returns once it answers queries.
    ///
    /// # Errors
    /// When another process of ours holds `dir`, when there is no PostgreSQL to run, when `dir` is closed to the
    /// user that runs it, and when the server does not answer in 60 s: then the end of its log is in the message.
    pub async fn start(dir: &Path, lifetime: Lifetime) -> anyhow::Result<Postgres> {
        check_platform()?;
        let (dir, claim) = folder::claim(dir)?;
        let left = left_running(&dir, lifetime).await?;
        let adopted = left.is_some();
        let (server, url, origin) = match left {
            Some(left) => left,
            None => launch(&dir, lifetime).await?,
        };
        Ok(Postgres {
            server,
            url,
            adopted,
            origin,
            _claim: claim,
        })
    }

    /// The URL of the server that a process of ours runs on `dir`; none while none runs.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub fn running(dir: &Path) -> anyhow::Result<Option<String>> {
        let data = dir.join("data");
        if postmaster::running(&data)?.is_none() {
            return Ok(None);
        }
        let port = postmaster::port(&data)?;
        port.map(|port| url(dir, port)).transpose()
    }

    /// `postgres://comptoir:PASSWORD@127.0.0.1:PORT/comptoir`; the role is a superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether an earlier process of ours had left it running.
    pub fn adopted(&self) -> bool {
        self.adopted
    }

    /// The server's process id.
    pub fn pid(&self) -> u32 {
        self.server.pid()
    }

    /// Its version and where its programs lie.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Shuts it down, open connections too, and waits for its end.
    ///
    /// # Errors
    /// When it cannot be signalled or does not end.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.server.stop().await
    }
}

/// The server, its address and its origin.
type Running = (Server, String, String);

/// The server that an earlier start left on `dir`, once it answers; `None` when there is none, or it ends
/// instead, as one that was being stopped does.
async fn left_running(dir: &Path, lifetime: Lifetime) -> anyhow::Result<Option<Running>> {
    let data = dir.join("data");
    let Some(server) = postmaster::running(&data)? else {
        return Ok(None);
    };
    if lifetime == Lifetime::Tied {
        server.stop().await?;
        return Ok(None);
    }
    let port = postmaster::port(&data)?;
    let port = port.context("PostgreSQL, left by an earlier start, is just starting: try again")?;
    let url = url(dir, port)?;
    match postmaster::answers(&server, &url).await {
        Ok(()) => {
            let bin = processes::executable(server.pid())
                .and_then(|file| Some(file.parent()?.to_path_buf()));
            let origin = bin
                .and_then(|bin| Binaries::at(&bin))
                .map(|binaries| binaries.origin());
            Ok(Some((
                server,
                url,
                origin.unwrap_or_else(|| "PostgreSQL".to_owned()),
            )))
        }
        Err(_) if !server.alive() => Ok(None),
        Err(error) => Err(error.context(format!(
            "PostgreSQL, left running by an earlier start as process {}, does not answer; {}",
            server.pid(),
            folder::log_tail(&dir.join("postgres.log"))
        ))),
    }
}

async fn launch(dir: &Path, lifetime: Lifetime) -> anyhow::Result<Running> {
    let data = dir.join("data");
    let account = Account::for_postgres(&data)?;
    if let Some(account) = &account {
        account.check_reach(dir).await?;
    }
    let binaries = binaries::find(&data, account.as_ref()).await?;
    if !data.exists() {
        initdb::initialise(dir, &binaries, account.as_ref(), lifetime).await?;
    }
    postmaster::clear_stale_claim(&data).await?;
    let port = folder::port(&dir.join("port"), None)?;
    let url = url(dir, port)?;
    let log = dir.join("postgres.log");
    let mut arguments = settings(&data);
    arguments.extend(["-c".into(), format!("port={port}").into()]);
    let program = Program {
        path: binaries.program("postgres"),
        arguments,
        account,
        log: folder::open_log(&log)?,
        stop: STOP,
    };
    let server = Server::start(program, lifetime).await?;
    if let Err(error) = postmaster::answers(&server, &url).await {
        server.stop().await?;
        return Err(error.context(format!(
            "PostgreSQL did not start; {}",
            folder::log_tail(&log)
        )));
    }
    Ok((server, url, binaries.origin()))
}

fn url(dir: &Path, port: u16) -> anyhow::Result<String> {
    let file = dir.join("password");
    let password = folder::read(&file)?.with_context(|| {
        format!(
            "{} is missing, so nobody can log in to the data beside it",
            file.display()
        )
    })?;
    Ok(format!(
        "postgres://comptoir:{}@127.0.0.1:{port}/comptoir",
        password.trim()
    ))
}

/// The arguments with which `postgres` runs on `data`, all but the port.
pub(super) fn settings(data: &Path) -> Vec<OsString> {
    let mut arguments = vec!["-D".into(), data.into()];
    for setting in SETTINGS {
        arguments.extend(["-c".into(), setting.into()]);
    }
    arguments
}
