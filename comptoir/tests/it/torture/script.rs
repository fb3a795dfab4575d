//! What is done to writers and server, in an order that the seed decides.

use std::collections::BTreeMap;
use std::time::Duration;

use event_store::Position;
use sqlx::{Executor, PgConnection};
use tokio::time::{Instant, sleep};

use super::cluster::{Cluster, backends, end_backends};
use super::dice::Dice;
use super::fleet::Fleet;
use crate::support::{signal, wait_for};

#[derive(Debug, Clone, Copy)]
enum Fault {
    KillWriter,
    FreezeWriter,
    EndBackends,
    KillBackend,
    StopServer,
    KillServer,
    HoldTransactions,
}

/// Each as often as it is to be met.
const FAULTS: [Fault; 10] = [
    Fault::KillWriter,
    Fault::KillWriter,
    Fault::FreezeWriter,
    Fault::FreezeWriter,
    Fault::EndBackends,
    Fault::EndBackends,
    Fault::KillBackend,
    Fault::StopServer,
    Fault::KillServer,
    Fault::HoldTransactions,
];

pub struct Script {
    pub dice: Dice,
    pub cluster: Cluster,
    pub fleet: Fleet,
    /// The longest time of peace after a fault, in milliseconds.
    peace: usize,
    /// Transactions that are open and do nothing.
    held: Vec<PgConnection>,
    /// The writer that is stopped, and when it is to go on.
    frozen: Option<(usize, Instant)>,
    /// How often each thing was done.
    pub done: BTreeMap<&'static str, usize>,
}

impl Script {
    pub fn new(dice: Dice, cluster: Cluster, fleet: Fleet, peace: usize) -> Self {
        Self {
            dice,
            cluster,
            fleet,
            peace,
            held: Vec::new(),
            frozen: None,
            done: BTreeMap::new(),
        }
    }

    /// Does every fault at least once, and goes on for `length`.
    pub async fn play(&mut self, length: Duration, check: impl Fn()) {
        let end = Instant::now() + length;
        let mut faults = Vec::new();
        self.hold_transactions().await;
        self.goes_on().await;
        loop {
            if faults.is_empty() {
                if Instant::now() >= end {
                    break;
                }
                faults.extend(FAULTS);
                self.dice.shuffle(&mut faults);
            }
            let Some(fault) = faults.pop() else { break };
            self.commit(fault).await;
            sleep(self.dice.pause(50..self.peace)).await;
            if self
                .frozen
                .is_some_and(|(_, until)| Instant::now() >= until)
            {
                self.wake();
            }
            self.fleet.check();
            check();
        }
        self.wake();
        self.goes_on().await;
    }

    async fn commit(&mut self, fault: Fault) {
        match fault {
            Fault::KillWriter => {
                let slot = self.dice.below(self.fleet.len());
                self.frozen.take_if(|(frozen, _)| *frozen == slot);
                self.fleet.kill(slot);
                self.count("writers killed with -9");
            }
            Fault::FreezeWriter => {
                self.wake();
                let slot = self.dice.below(self.fleet.len());
                self.fleet.freeze(slot);
                let until = Instant::now() + self.dice.pause(200..3_000);
                self.frozen = Some((slot, until));
                self.count("writers frozen and woken");
            }
            Fault::EndBackends => self.end_backends().await,
            Fault::KillBackend => {
                let mut admin = self.cluster.connect("comptoir").await;
                let pids = backends(&mut admin).await;
                signal(pids[0].unsigned_abs(), "KILL");
                self.count("back-ends killed with -9");
                self.goes_on().await;
            }
            Fault::StopServer => self.crash("QUIT", "immediate restarts of the server").await,
            Fault::KillServer => self.crash("KILL", "servers killed with -9").await,
            Fault::HoldTransactions => self.hold_transactions().await,
        }
    }

    /// Ends connections one after the other, at work or idle, in the middle of whatever it is.
    async fn end_backends(&mut self) {
        let mut admin = self.cluster.connect("comptoir").await;
        for _ in 0..20 {
            let mut pids = backends(&mut admin).await;
            pids.truncate(1 + self.dice.below(3));
            let ended = end_backends(&mut admin, &pids).await;
            *self.done.entry("back-ends terminated").or_default() += ended;
            sleep(self.dice.pause(1..50)).await;
        }
        self.goes_on().await;
    }

    async fn crash(&mut self, signal: &str, name: &'static str) {
        self.cluster.crash(signal).await;
        self.count(name);
        self.goes_on().await;
        if self.dice.once_in(2) {
            self.hold_transactions().await;
        }
    }

    /// Opens transactions that wrote, here and in another database of the cluster, and one that
    /// keeps an old snapshot; those of the last time end.
    async fn hold_transactions(&mut self) {
        self.held.clear();
        let write = "BEGIN; CREATE TEMPORARY TABLE held (id integer); SELECT txid_current()";
        for (database, sql) in [
            ("elsewhere", write),
            ("comptoir", "BEGIN; INSERT INTO public.scratch VALUES (1)"),
            (
                "comptoir",
                "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM log.events",
            ),
        ] {
            let mut connection = self.cluster.connect(database).await;
            connection.execute(sql).await.unwrap();
            self.held.push(connection);
            self.count("transactions held open");
        }
    }

    fn wake(&mut self) {
        if let Some((slot, _)) = self.frozen.take() {
            self.fleet.wake(slot);
        }
    }

    /// Whatever was done, the log goes on by itself.
    async fn goes_on(&mut self) {
        self.wake();
        let before = self.head().await;
        wait_for("the log to go on", super::LIMIT, || async {
            (self.head().await > before).then_some(())
        })
        .await;
    }

    async fn head(&self) -> Position {
        let sql = "SELECT position FROM log.head";
        wait_for("the head", super::LIMIT, || async {
            let mut admin = self.cluster.connect("comptoir").await;
            sqlx::query_scalar(sql).fetch_one(&mut admin).await.ok()
        })
        .await
    }

    fn count(&mut self, name: &'static str) {
        *self.done.entry(name).or_default() += 1;
    }
}
