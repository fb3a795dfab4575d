//! A server's process: started in a process group of its own or found running, watched, ended.

use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::{Instant, interval};

use super::Lifetime;
use super::processes::stat;
use super::program::{Program, Stop, command};

/// How often a process is looked at while we wait for it.
pub(super) const GLANCE: Duration = Duration::from_millis(20);

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    pid: u32,
    /// Clock ticks from the machine's start to the process's: tells it from a later one with the same id.
    born: u64,
    stop: Stop,
    child: Option<Child>,
    lifeline: Option<ChildStdin>,
}

impl Server {
    /// Starts `program`.
    pub(super) async fn start(program: Program, lifetime: Lifetime) -> anyhow::Result<Server> {
        let name = program.path.display().to_string();
        let stop = program.stop;
        let mut child = command(program, lifetime)?
            .spawn()
            .with_context(|| format!("cannot run {name}"))?;
        let lifeline = child.stdin.take();
        let pid = match child.stdout.take() {
            Some(output) => BufReader::new(output)
                .lines()
                .next_line()
                .await?
                .and_then(|line| line.parse().ok()),
            None => child.id(),
        };
        let pid = pid.with_context(|| format!("{name} ended as soon as it was started"))?;
        // One that has already ended reads as never born: `alive` says so, and the caller shows the log.
        let born = stat(pid).map_or(0, |stat| stat.born);
        Ok(Server {
            pid,
            born,
            stop,
            child: Some(child),
            lifeline,
        })
    }

    /// The process `pid`, which runs already and which the caller has found to be ours.
    pub(super) fn found(pid: u32, stop: Stop) -> Option<Server> {
        let born = stat(pid)?.born;
        Some(Server {
            pid,
            born,
            stop,
            child: None,
            lifeline: None,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn alive(&self) -> bool {
        stat(self.pid)
            .is_some_and(|stat| stat.born == self.born && !matches!(stat.state, 'Z' | 'X'))
    }

    /// Asks it to stop and waits for its end.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let Stop {
            signal,
            limit,
            last_resort,
        } = self.stop;
        self.signal(signal).await?;
        if !self.ended_within(limit).await {
            tracing::warn!(
                pid = self.pid,
                "a server did not stop in {limit:?}: sending {last_resort}"
            );
            self.signal(last_resort).await?;
            if !self.ended_within(limit).await {
                bail!("the server with process id {} does not stop", self.pid);
            }
        }
        drop(self.lifeline.take());
        if let Some(mut child) = self.child.take() {
            child.wait().await?;
        }
        Ok(())
    }

    async fn signal(&self, signal: &str) -> anyhow::Result<()> {
        if !self.alive() {
            return Ok(());
        }
        let script = r#"kill -s "$1" "$2""#;
        let pid = self.pid.to_string();
        let answer = Command::new("/bin/sh")
            .args(["-c", script, "sh", signal, &pid])
            .output()
            .await
            .context("cannot run /bin/sh")?;
        if !answer.status.success() && self.alive() {
            let why = String::from_utf8_lossy(&answer.stderr);
            bail!(
                "cannot stop the server with process id {pid}: {}",
                why.trim()
            );
        }
        Ok(())
    }

    async fn ended_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut glances = interval(GLANCE);
        while self.alive() {
            if Instant::now() >= deadline {
                return false;
            }
            glances.tick().await;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    const STOP: Stop = Stop {
        signal: "TERM",
        limit: Duration::from_secs(10),
        last_resort: "KILL",
    };

    fn sleeper(script: &str) -> anyhow::Result<Program> {
        let log = File::options().append(true).open("/dev/null")?;
        let arguments = vec!["-c".into(), script.into()];
        Ok(Program {
            path: "/bin/sh".into(),
            arguments,
            account: None,
            log,
            stop: STOP,
        })
    }

    #[tokio::test]
    async fn a_server_is_stopped_whatever_its_lifetime() -> anyhow::Result<()> {
        for lifetime in [Lifetime::Adoptable, Lifetime::Tied] {
            let server = Server::start(sleeper("exec sleep 600")?, lifetime).await?;
            let same = Server::found(server.pid(), STOP).context("it runs")?;
            assert!(server.alive() && same.alive());
            server.stop().await?;
            assert!(!same.alive());
        }
        Ok(())
    }

    #[tokio::test]
    async fn a_tied_server_ends_with_its_lifeline_and_an_adoptable_one_does_not()
    -> anyhow::Result<()> {
        let tied = Server::start(sleeper("exec sleep 600")?, Lifetime::Tied).await?;
        let watched = Server::found(tied.pid(), STOP).context("it runs")?;
        drop(tied);
        assert!(watched.ended_within(STOP.limit).await);

        let adoptable = Server::start(sleeper("exec sleep 600")?, Lifetime::Adoptable).await?;
        let left = Server::found(adoptable.pid(), STOP).context("it runs")?;
        drop(adoptable);
        assert!(left.alive());
        left.stop().await
    }

    #[tokio::test]
    async fn one_that_does_not_heed_the_signal_is_killed() -> anyhow::Result<()> {
        let mut program = sleeper("trap '' TERM; while :; do sleep 1; done")?;
        program.stop.limit = Duration::from_millis(500);
        let server = Server::start(program, Lifetime::Adoptable).await?;
        let same = Server::found(server.pid(), STOP).context("it runs")?;
        server.stop().await?;
        assert!(!same.alive());
        Ok(())
    }
}
