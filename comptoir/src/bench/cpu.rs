//! CPU time, from `/proc`: of the PostgreSQL server with all its processes, and of the client.

use std::fs;

use sqlx::PgConnection;

/// Microseconds of a clock tick. Linux tells programs 100 ticks a second, whatever it counts in.
const TICK_MICROS: u64 = 10_000;

/// The CPU time of one PostgreSQL server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cpu {
    /// Its first process; none when it runs elsewhere.
    postmaster: Option<u32>,
}

/// CPU time spent since [`Cpu::begin`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Meter {
    cpu: Cpu,
    begun: Option<Spent>,
}

/// Microseconds of CPU time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spent {
    /// Of the server, the processes that have ended by now too.
    pub(super) server: u64,
    /// Of this process.
    pub(super) own: u64,
    /// Of the programs that this process has run and seen the end of.
    pub(super) children: u64,
}

/// What the kernel tells of a process.
struct Stat {
    parent: u32,
    own: u64,
    children: u64,
}

impl Cpu {
    /// That of the server behind `connection`, when its process is on this machine.
    pub(super) async fn of(connection: &mut PgConnection) -> anyhow::Result<Self> {
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(connection)
            .await?;
        let here = fs::read_to_string(format!("/proc/{backend}/comm"))
            .is_ok_and(|name| name.trim() == "postgres");
        let postmaster = stat(&backend.to_string()).filter(|_| here);
        Ok(Self {
            postmaster: postmaster.map(|stat| stat.parent),
        })
    }

    /// Begins to count.
    pub(super) fn begin(self) -> Meter {
        Meter {
            cpu: self,
            begun: self.now(),
        }
    }

    fn now(self) -> Option<Spent> {
        let (postmaster, own) = (self.postmaster?, stat("self")?);
        let root = stat(&postmaster.to_string())?;
        let processes = fs::read_dir("/proc").ok()?;
        let backends = processes
            .filter_map(|entry| stat(entry.ok()?.file_name().to_str()?))
            .filter(|stat| stat.parent == postmaster)
            .map(|stat| stat.own);
        Some(Spent {
            server: root.own + root.children + backends.sum::<u64>(),
            own: own.own,
            children: own.children,
        })
    }
}

impl Meter {
    /// What was spent since it began; none when the server is elsewhere.
    pub(super) fn spent(&self) -> Option<Spent> {
        let (begun, now) = (self.begun?, self.cpu.now()?);
        Some(Spent {
            server: now.server.saturating_sub(begun.server),
            own: now.own.saturating_sub(begun.own),
            children: now.children.saturating_sub(begun.children),
        })
    }
}

/// Parent, CPU time, and that of children waited for (fields 4, 14 to 17), see proc_pid_stat(5).
fn stat(process: &str) -> Option<Stat> {
    if process != "self" && !process.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let line = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name, in brackets, may hold blanks and brackets itself.
    let (_, fields) = line.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        own: (ticks(11)? + ticks(12)?) * TICK_MICROS,
        children: (ticks(13)? + ticks(14)?) * TICK_MICROS,
    })
}

/// The microseconds of CPU time of the process `pid`.
pub(super) fn of_process(pid: u32) -> Option<u64> {
    stat(&pid.to_string()).map(|stat| stat.own)
}

/// The most memory (MiB) that the process `pid` has had resident.
pub(super) fn most_memory(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let mut lines = status.lines();
    let most = lines.find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = most.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_process() -> anyhow::Result<()> {
        let parent = std::os::unix::process::parent_id();
        assert!(stat("self").is_some_and(|stat| stat.parent == parent));
        assert!(stat("uptime").is_none());
        assert!(most_memory(std::process::id()).is_some_and(|most| most > 1.0));
        Ok(())
    }
}
