//! The servers that Comptoir starts itself where none is given: PostgreSQL and Apache Kafka, the real ones.
//!
//! Linux alone: what runs is read from `/proc`. Elsewhere set `DATABASE_URL` and `KAFKA_BROKERS`.

mod account;
mod binaries;
#[cfg(feature = "embedded-postgres")]
mod fetched;
mod folder;
mod initdb;
pub mod kafka;
mod kafka_config;
mod kafka_ready;
mod kafka_tools;
pub mod postgres;
mod postmaster;
mod process;
mod processes;
mod program;

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// How long a server that we started lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Until `stop()`, or adopted by the next start after a crash (for `comptoir up`).
    Adoptable,
    /// Ends with this process, even when it is killed with -9 (for tests).
    /// It never adopts: a server found on its folder is ended first.
    Tied,
}

/// Where fetched programs are kept: `$XDG_CACHE_HOME/comptoir`, else `~/.cache/comptoir`.
fn cache_folder() -> anyhow::Result<PathBuf> {
    let base = match std::env::var_os("XDG_CACHE_HOME") {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => std::env::home_dir()
            .filter(|home| home.is_absolute())
            .context("neither XDG_CACHE_HOME nor HOME names a folder to keep fetched programs in")?
            .join(".cache"),
    };
    Ok(base.join("comptoir"))
}

/// Fails where there is no `/proc` to watch servers through.
fn check_platform() -> anyhow::Result<()> {
    ensure!(
        Path::new("/proc/self/stat").exists(),
        "Comptoir starts servers on Linux only: elsewhere set DATABASE_URL and KAFKA_BROKERS"
    );
    Ok(())
}
