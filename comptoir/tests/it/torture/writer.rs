//! A writer: a process of its own, with many callers, that is killed and frozen without warning.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use event_store::Log;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::calls::{self, Told};
use super::commands::Command;
use super::dice::Dice;
use super::journal::{self, Entry, Journal};

const CALLERS: u64 = 12;
/// How often a caller tries before it leaves a command to others.
const TRIES: usize = 4;
const PAUSE: Duration = Duration::from_millis(20);
/// Commands that several callers of several processes send have a key for each such time.
const TWIN_TIME: i64 = 250;

pub const URL: &str = "COMPTOIR_TORTURE_URL";
pub const JOURNAL: &str = "COMPTOIR_TORTURE_JOURNAL";
pub const SEED: &str = "COMPTOIR_TORTURE_SEED";
pub const THINK: &str = "COMPTOIR_TORTURE_THINK";

/// What the callers of a writer share.
#[derive(Clone)]
struct Writer {
    log: Log,
    journal: Arc<Journal>,
    /// What the process before this one left unanswered.
    left: Arc<Mutex<Vec<Uuid>>>,
    seed: u64,
    /// How long a caller waits between two commands.
    think: Duration,
    stop: CancellationToken,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the torture runs it as a process of its own"]
async fn a_writer() {
    let Some(path) = std::env::var_os(JOURNAL).map(PathBuf::from) else {
        return;
    };
    service_kit::telemetry::logs(false);
    let writer = Writer::open(&path).await;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let seed = writer.seed ^ (u64::from(std::process::id()) << 32) ^ caller;
        callers.spawn(writer.clone().call(Dice::new(seed)));
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
}

impl Writer {
    async fn open(path: &Path) -> Self {
        let set = |name: &str| std::env::var(name).unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        // It ends with its standard input, so also when the torture itself is gone.
        std::thread::spawn(move || {
            let _closed = std::io::stdin().read_to_end(&mut Vec::new());
            stopped.cancel();
        });
        let journal = Journal::open(path);
        let left = journal::unanswered(&journal::read(path));
        Self {
            log: calls::open(&set(URL)).await,
            journal: Arc::new(journal),
            left: Arc::new(Mutex::new(left)),
            seed: set(SEED).parse().unwrap(),
            think: Duration::from_millis(set(THINK).parse().unwrap()),
            stop,
        }
    }

    async fn call(self, mut dice: Dice) {
        while !self.stop.is_cancelled() {
            let left = self.left.lock().unwrap().pop();
            let retried = left.is_some();
            let key = left.unwrap_or_else(|| match dice.once_in(20) {
                true => twin(self.seed),
                false => Uuid::new_v4(),
            });
            self.journal.write(&match retried {
                true => Entry::Again { key },
                false => Entry::Sent { key },
            });
            self.deal(&Command::of(self.seed, key), retried, &mut dice)
                .await;
            tokio::time::sleep(self.think).await;
        }
    }

    /// Sends a command until it is answered, a few times at most.
    async fn deal(&self, command: &Command, mut retried: bool, dice: &mut Dice) {
        let key = command.key;
        for _ in 0..TRIES {
            let attempt = Uuid::new_v4();
            // A retry looks for the stored answer, or leaves it to the append to find the key used.
            let look_first = retried && dice.once_in(2);
            match calls::send(&self.log, command, attempt, look_first).await {
                Ok(told) => {
                    let again = dice.once_in(20).then(|| told.clone());
                    self.journal.write(&Entry::Acknowledged { key, told });
                    if let Some(first) = again {
                        self.send_again(command, &first).await;
                    }
                    return;
                }
                Err(why) => self.journal.write(&Entry::Failed { key, attempt, why }),
            }
            retried = true;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// A retry of what was answered gets the same answer, to the byte.
    async fn send_again(&self, command: &Command, first: &Told) {
        if let Ok(again) = calls::send(&self.log, command, Uuid::new_v4(), false).await {
            assert_eq!(again.answer, first.answer, "{command:?}");
            assert_eq!(again.positions, first.positions, "{command:?}");
        }
    }
}

/// A key that callers of all processes come upon at the same time.
fn twin(seed: u64) -> Uuid {
    let tick = chrono::Utc::now().timestamp_millis() / TWIN_TIME;
    let world = Uuid::from_u64_pair(seed, seed);
    Uuid::new_v5(&world, format!("twin {tick}").as_bytes())
}
