//! The first start of PostgreSQL on a folder: its data, its password, its database.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::account::Account;
use super::binaries::Binaries;
use super::postgres::settings;
use super::{Lifetime, folder, program};

/// Makes `dir/data` with the database `comptoir`. It is prepared beside it: a start that is killed leaves nothing
/// that a later one takes for a database.
pub(super) async fn initialise(
    dir: &Path,
    binaries: &Binaries,
    account: Option<&Account>,
    lifetime: Lifetime,
) -> anyhow::Result<()> {
    let fresh = folder::fresh(dir, "data")?;
    fs::DirBuilder::new().mode(0o700).create(&fresh)?;
    let password = new_password(dir)?;
    if let Some(account) = account {
        account.give(&fresh)?;
        account.give(&password)?;
    }
    let mut initdb = Command::new(binaries.program("initdb"));
    initdb.arg("-D").arg(&fresh).arg("--pwfile").arg(&password);
    initdb.args([
        "--username=comptoir",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
    ]);
    if lifetime == Lifetime::Tied {
        initdb.arg("--no-sync");
    }
    run(initdb, account, "").await.context("initdb failed")?;
    let mut single = Command::new(binaries.program("postgres"));
    single
        .arg("--single")
        .args(settings(&fresh))
        .args(["-c", "exit_on_error=on", "postgres"]);
    run(single, account, "CREATE DATABASE comptoir\n")
        .await
        .context("the database could not be created")?;
    fs::rename(&fresh, dir.join("data"))?;
    Ok(())
}

fn new_password(dir: &Path) -> anyhow::Result<PathBuf> {
    let path = dir.join("password");
    let password = folder::random_hex()?;
    let file = File::options()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&path);
    file.and_then(|mut file| file.write_all(password.as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// Runs a command to its end; what it prints is the error when it fails.
async fn run(mut command: Command, account: Option<&Account>, input: &str) -> anyhow::Result<()> {
    program::settle(&mut command, account);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).await?;
    }
    let answer = child.wait_with_output().await?;
    if !answer.status.success() {
        bail!(
            "{}{}",
            String::from_utf8_lossy(&answer.stdout),
            String::from_utf8_lossy(&answer.stderr)
        );
    }
    Ok(())
}
