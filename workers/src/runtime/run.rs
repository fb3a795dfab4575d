//! One worker leads and reads the log for all policies; the others stand by.

use std::time::Duration;

use event_store::{Log, pick, seen};
use tokio_util::sync::CancellationToken;

use super::error::Error;
use super::lead::{self, Lead};
use super::parked;
use super::positions::{Reached, reached};
use super::registered::Registered;
use super::replay::Replay;
use super::work::Work;
use crate::measure;

/// How long to wait for a database that is away.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is written down how far policies are.
const TICK: Duration = Duration::from_millis(500);
/// How many ticks until it is looked what operators ask for.
const TICKS: u32 = 2;

/// Has `policies`, which are [registered](super::register), react to what happens, until `stop`. Of
/// several workers one does at a time.
///
/// # Errors
/// See [`Error`]; what is away is waited for.
pub async fn run_policies(
    log: Log,
    policies: Vec<Registered>,
    stop: CancellationToken,
) -> Result<(), Error> {
    measure::begin(&policies);
    let run = async {
        loop {
            let ended = lead_on(&log, &policies).await;
            measure::leads(false);
            match ended {
                Err(error) if error.is_away() => {
                    tracing::warn!(%error, "the worker does not lead (any more)");
                    tokio::time::sleep(PAUSE).await;
                }
                ended => return ended,
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => Ok(()),
        ended = run => ended,
    }
}

/// Leads, as long as it can.
async fn lead_on(log: &Log, policies: &[Registered]) -> Result<(), Error> {
    let lead = lead::take(log.pool()).await?;
    measure::leads(true);
    let names: Vec<&str> = policies.iter().map(|one| one.name).collect();
    let reached = reached(log.pool(), &names).await?;
    let seen: Vec<_> = reached.iter().map(Reached::seen).collect();
    seen::check(log.pool(), &seen).await?;
    let positions = reached.iter().map(|one| one.position).collect();
    let mut leading = Leading {
        work: Work::start(log, policies.to_vec(), positions, None),
        replay: None,
        lead,
        log,
        policies,
    };
    leading.look().await?;
    leading.run().await
}

/// A worker that leads.
struct Leading<'a> {
    lead: Lead,
    log: &'a Log,
    policies: &'a [Registered],
    work: Work,
    replay: Option<Replay>,
}

impl Leading<'_> {
    async fn run(&mut self) -> Result<(), Error> {
        let mut ticks = tokio::time::interval(TICK);
        let mut ticked = 0;
        loop {
            tokio::select! {
                stepped = self.work.step() => stepped?,
                stepped = Replay::step(&mut self.replay) => stepped?,
                _ = ticks.tick() => {
                    self.write().await?;
                    ticked = (ticked + 1) % TICKS;
                    if ticked == 0 {
                        self.look().await?;
                    }
                }
            }
        }
    }

    /// Writes down what came about since the last time.
    async fn write(&mut self) -> Result<(), Error> {
        match self.work.take_written() {
            Some(written) => self.lead.write(&written).await?,
            None => self.lead.speak().await?,
        }
        if let Some(replay) = &mut self.replay
            && replay.write(&mut self.lead).await?
        {
            self.replay = None;
        }
        Ok(())
    }

    /// Looks what is parked and what is to be tried again, and whether a replay is asked for.
    /// Everything is written down by then, so what the database says is how it is.
    async fn look(&mut self) -> Result<(), Error> {
        let parked = parked::list(self.log.pool(), None).await?;
        self.work.know_parked(&parked);
        for one in &parked {
            if self.work.may_try(one) {
                let positions = parked::positions(self.log.pool(), one).await?;
                let events = pick::at(self.log.pool(), &positions).await?;
                self.work.try_again(one, events);
            }
        }
        if self.replay.is_none() {
            self.replay = Replay::wanted(self.log, self.policies).await?;
        }
        if let Some(replay) = &mut self.replay {
            replay.know_parked(&parked);
        }
        Ok(())
    }
}
