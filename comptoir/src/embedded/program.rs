//! A server's command line and the surroundings that it is run in.

use std::ffi::OsString;
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::Lifetime;
use super::account::Account;

/// Keeps a server to our lifetime: its standard input is a pipe that only we hold open, so that the kernel
/// closes it however we end. `$1` is the signal that stops the server, the rest the command.
const LIFELINE: &str = r#"
signal=$1; shift
"$@" </dev/null >&2 &
server=$!
echo "$server"
read -r _
kill -s "$signal" "$server" 2>/dev/null
tenths=0
while kill -s 0 "$server" 2>/dev/null && [ "$tenths" -lt 300 ]; do sleep 0.1; tenths=$((tenths + 1)); done
kill -s KILL "$server" 2>/dev/null
"#;

/// A command that runs until it is stopped.
pub(super) struct Program {
    pub(super) path: PathBuf,
    pub(super) arguments: Vec<OsString>,
    /// Whom it runs as, where that is not who we are.
    pub(super) account: Option<Account>,
    /// Where its output goes.
    pub(super) log: File,
    pub(super) stop: Stop,
}

/// How a server is asked to stop, and what follows when it does not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    pub(super) signal: &'static str,
    pub(super) limit: Duration,
    pub(super) last_resort: &'static str,
}

/// The command that runs `program`, for a `Tied` one through [`LIFELINE`], which prints its process id.
pub(super) fn command(program: Program, lifetime: Lifetime) -> anyhow::Result<Command> {
    let mut command = match lifetime {
        Lifetime::Adoptable => {
            let mut command = Command::new(&program.path);
            command
                .stdin(Stdio::null())
                .stdout(program.log.try_clone()?);
            command
        }
        Lifetime::Tied => {
            let mut command = Command::new("/bin/sh");
            command.args(["-c", LIFELINE, "comptoir-lifeline", program.stop.signal]);
            command
                .arg(&program.path)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped());
            command
        }
    };
    command.args(&program.arguments).stderr(program.log);
    settle(&mut command, program.account.as_ref());
    Ok(command)
}

/// Sets what all that we run for a server has in common: a group that the terminal's Ctrl-C does not reach,
/// a folder that any user can enter, no PostgreSQL settings from our environment, English messages, UTF-8 paths.
pub(super) fn settle(command: &mut Command, account: Option<&Account>) {
    command
        .process_group(0)
        .current_dir("/")
        .env("LC_ALL", "C.UTF-8");
    for (name, _) in std::env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    if let Some(account) = account {
        account.run(command);
    }
}
