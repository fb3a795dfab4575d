//! The writers' processes: started, killed, frozen, and ended in good order.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::journal::{self, Entry};
use super::writer;
use crate::support::{signal, wait_for};

const WRITERS: usize = 4;

/// What every writer is told.
pub struct Orders {
    pub folder: PathBuf,
    pub url: String,
    pub seed: u64,
    /// How long its callers wait between two commands, in milliseconds.
    pub think: u64,
    /// How much it yields to the other tests of the run.
    pub niceness: u8,
}

pub struct Fleet {
    orders: Orders,
    writers: Vec<Child>,
}

impl Fleet {
    pub fn start(orders: Orders) -> Self {
        let writers = (0..WRITERS).map(|slot| orders.spawn(slot)).collect();
        Self { orders, writers }
    }

    pub fn len(&self) -> usize {
        self.writers.len()
    }

    /// SIGKILL, and another process that takes over its journal.
    pub fn kill(&mut self, slot: usize) {
        self.writers[slot].kill().unwrap();
        self.writers[slot].wait().unwrap();
        self.writers[slot] = self.orders.spawn(slot);
    }

    pub fn freeze(&self, slot: usize) {
        signal(self.writers[slot].id(), "STOP");
    }

    pub fn wake(&self, slot: usize) {
        signal(self.writers[slot].id(), "CONT");
    }

    /// No writer ends by itself, but by a panic.
    pub fn check(&mut self) {
        for slot in 0..self.writers.len() {
            let ended = self.writers[slot].try_wait().unwrap();
            assert!(ended.is_none(), "{}", self.orders.output(slot));
        }
    }

    /// Lets every caller finish what it is at; gives the journals.
    pub async fn finish(mut self) -> Vec<Vec<Entry>> {
        for slot in 0..self.writers.len() {
            drop(self.writers[slot].stdin.take());
        }
        for slot in 0..self.writers.len() {
            let writer = &mut self.writers[slot];
            let status = wait_for("the end of a writer", super::LIMIT, || {
                let ended = writer.try_wait().unwrap();
                async move { ended }
            })
            .await;
            assert!(status.success(), "{}", self.orders.output(slot));
        }
        (0..self.writers.len())
            .map(|slot| journal::read(&self.orders.journal(slot)))
            .collect()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for writer in &mut self.writers {
            let _ended_already = writer.kill();
            let _reaped_already = writer.wait();
        }
    }
}

impl Orders {
    fn spawn(&self, slot: usize) -> Child {
        let output = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join(format!("writer-{slot}.log")))
            .unwrap();
        Command::new("nice")
            .args(["-n", &self.niceness.to_string()])
            .arg(std::env::current_exe().unwrap())
            .args(["torture::writer::a_writer", "--ignored", "--exact"])
            .arg("--nocapture")
            .env(writer::URL, &self.url)
            .env(writer::JOURNAL, self.journal(slot))
            .env(writer::SEED, self.seed.to_string())
            .env(writer::THINK, self.think.to_string())
            .stdin(Stdio::piped())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap()
    }

    fn journal(&self, slot: usize) -> PathBuf {
        self.folder.join(format!("writer-{slot}.ndjson"))
    }

    /// The end of what a writer printed.
    fn output(&self, slot: usize) -> String {
        let text = std::fs::read(self.folder.join(format!("writer-{slot}.log"))).unwrap();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        let tail = lines[lines.len().saturating_sub(20)..].join("\n");
        format!("writer {slot} ended by itself:\n{tail}")
    }
}
