//! What the operating system knows of this process, under the names that Prometheus's own clients
//! give it.

use std::fmt::Write;
use std::fs;

/// Ticks a second in which Linux tells of times, on every machine.
const TICKS: f64 = 100.0;

/// Writes it behind `text`, as Prometheus reads it. Elsewhere than on Linux there is nothing.
pub(crate) fn append_to(text: &mut String) {
    let Some(read) = Read::now() else { return };
    for (name, kind, help, value) in [
        (
            "process_cpu_seconds_total",
            "counter",
            "CPU time that the process has used, in seconds.",
            read.cpu,
        ),
        (
            "process_resident_memory_bytes",
            "gauge",
            "Memory of the process that is resident, in bytes.",
            read.memory,
        ),
        (
            "process_open_fds",
            "gauge",
            "File descriptors that the process has open.",
            read.files,
        ),
        (
            "process_start_time_seconds",
            "gauge",
            "When the process started, in seconds since 1970.",
            read.started,
        ),
    ] {
        // Writing to a text does not fail.
        let _written = write!(
            text,
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n"
        );
    }
}

struct Read {
    cpu: f64,
    memory: f64,
    files: f64,
    started: f64,
}

impl Read {
    /// See proc(5).
    fn now() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program comes before, in brackets, and may have any character in it.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let resident = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let resident = resident.trim().strip_suffix(" kB")?;
        let machine = fs::read_to_string("/proc/stat").ok()?;
        let booted = machine
            .lines()
            .find_map(|line| line.strip_prefix("btime "))?;
        Some(Self {
            cpu: (field(14)? + field(15)?) / TICKS,
            memory: resident.parse::<f64>().ok()? * 1_024.0,
            files: fs::read_dir("/proc/self/fd").ok()?.count() as f64,
            started: booted.trim().parse::<f64>().ok()? + field(22)? / TICKS,
        })
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_process_knows_what_it_uses() {
        let read = Read::now().expect("Linux");
        assert!(read.memory > 1e6, "{}", read.memory);
        assert!(read.files > 2.0, "{}", read.files);
        let now = chrono::Utc::now().timestamp() as f64;
        assert!(read.started > now - 600.0 && read.started <= now + 1.0);
        let mut text = String::new();
        append_to(&mut text);
        assert!(text.contains("\nprocess_resident_memory_bytes "), "{text}");
    }
}
