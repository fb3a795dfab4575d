//! The torture of the log: processes that write to it are killed and frozen, and its server is
//! crashed, again and again. At the end every law is checked against the whole log.
//!
//! `just torture` runs it for ten minutes or more.

mod calls;
mod cluster;
mod commands;
pub mod dice;
mod fleet;
mod journal;
mod ledger;
mod reader;
mod reckon;
mod report;
mod script;
mod writer;

use std::path::Path;
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::sync::watch;
use uuid::Uuid;

use crate::support::{open_folder, wait_for};
use calls::Told;
use cluster::Cluster;
use commands::Command;
use dice::Dice;
use fleet::{Fleet, Orders};
use journal::Entry;
use ledger::Ledger;
use report::Report;
use script::Script;

/// How long anything may take that has to happen.
const LIMIT: Duration = Duration::from_secs(60);
const SECONDS: &str = "COMPTOIR_TORTURE_SECONDS";
/// How many follow the log all the while.
const READERS: usize = 2;

/// Laws 1 to 4, whatever is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_keeps_its_laws() {
    let asked = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let seconds = asked(SECONDS);
    let seed = asked(writer::SEED).unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0);
    println!("the torture's seed: {}={seed}", writer::SEED);
    let folder = Kept(open_folder());
    // Beside other tests it is short and holds itself back.
    let (niceness, think, peace) = match seconds {
        None => (5, 5, 600),
        Some(_) => (0, 0, 2_500),
    };
    let cluster = Cluster::start(&folder.0.path().join("postgres"), niceness).await;
    let url = cluster.url().to_owned();
    let (end, ended) = watch::channel(None);
    let readers: [_; READERS] =
        std::array::from_fn(|_| tokio::spawn(reader::follow(url.clone(), ended.clone())));
    let fleet = Fleet::start(Orders {
        folder: folder.0.path().to_owned(),
        url: url.clone(),
        seed,
        think,
        niceness,
    });
    let begun = Instant::now();
    let mut script = Script::new(Dice::new(seed), cluster, fleet, peace);
    let length = Duration::from_secs(seconds.unwrap_or(8));
    let reading = || {
        let on = readers.iter().all(|reader| !reader.is_finished());
        assert!(on, "a reader stopped");
    };
    script.play(length, reading).await;
    let Script {
        fleet,
        done,
        cluster: _cluster,
        ..
    } = script;
    let mut journals = fleet.finish().await;
    let took = begun.elapsed();

    let log = calls::open(&url).await;
    let left = unanswered(&journals);
    let settled = settle(&log, seed, &left, folder.0.path()).await;
    journals.push(settled);
    end.send_replace(Some(log.head().await.unwrap()));
    let mut seen = Vec::new();
    for reader in readers {
        let reached = tokio::time::timeout(LIMIT, reader).await;
        seen.push(reached.expect("a reader got stuck").unwrap());
    }
    let ledger = Ledger::of(&journals);
    let walk = reckon::reckon(&log, seed, &ledger, &seen).await;
    let report = Report {
        seed,
        took,
        ledger: &ledger,
        left: left.len(),
        done: &done,
        walk: &walk,
        readers: &seen,
    };
    println!("{}", report.table());
}

/// Commands of all journals that nobody was told of.
fn unanswered(journals: &[Vec<Entry>]) -> Vec<Uuid> {
    journal::unanswered(&journals.concat())
}

/// Sends what is left with its keys, each until it is answered.
async fn settle(log: &event_store::Log, seed: u64, left: &[Uuid], folder: &Path) -> Vec<Entry> {
    let path = folder.join("settled.ndjson");
    let journal = journal::Journal::open(&path);
    let answered = futures::stream::iter(left).for_each_concurrent(12, async |key| {
        let command = Command::of(seed, *key);
        journal.write(&Entry::Again { key: *key });
        let told: Told = wait_for("an answer", LIMIT, || async {
            let sent = calls::send(log, &command, Uuid::new_v4(), false).await;
            sent.ok()
        })
        .await;
        journal.write(&Entry::Acknowledged { key: *key, told });
    });
    answered.await;
    journal::read(&path)
}

/// The folder of a run, which stays when the run fails: it holds the journals.
struct Kept(tempfile::TempDir);

impl Drop for Kept {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.disable_cleanup(true);
            println!("see {}", self.0.path().display());
        }
    }
}
