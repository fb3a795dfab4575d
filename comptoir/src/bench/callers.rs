//! Callers: each sends its next call when the last one is answered.

use std::future::Future;
use std::time::{Duration, Instant};

use super::numbers::quantile_ms;

/// What came of a while of calls.
pub(super) struct Load {
    latencies: Vec<u32>,
    elapsed: Duration,
}

impl Load {
    /// How many calls were answered.
    pub(super) fn done(&self) -> usize {
        self.latencies.len()
    }

    /// Answered calls a second.
    pub(super) fn rate(&self) -> f64 {
        self.done() as f64 / self.elapsed.as_secs_f64()
    }

    /// The milliseconds that so many hundredths of the calls took at most.
    pub(super) fn quantile_ms(&mut self, hundredths: usize) -> f64 {
        quantile_ms(&mut self.latencies, hundredths)
    }

    /// How long it took.
    pub(super) fn seconds(&self) -> f64 {
        self.elapsed.as_secs_f64()
    }
}

/// When callers stop.
#[derive(Debug, Clone, Copy)]
pub(super) enum Until {
    /// After this time.
    Over(Duration),
    /// After so many calls of each.
    Calls(u64),
}

/// Lets so many callers call at once. `call` gets a number that no other call of this load gets.
///
/// # Errors
/// The first error of a call, which ends the load.
pub(super) async fn drive<F, Answer>(callers: u64, until: Until, call: F) -> anyhow::Result<Load>
where
    F: Fn(u64) -> Answer + Clone + Send + 'static,
    Answer: Future<Output = anyhow::Result<()>> + Send,
{
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let call = call.clone();
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            for turn in 0.. {
                let over = match until {
                    Until::Over(time) => begun.elapsed() >= time,
                    Until::Calls(calls) => turn >= calls,
                };
                if over {
                    break;
                }
                let sent = Instant::now();
                call(turn * callers + caller).await?;
                latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
            }
            anyhow::Ok(latencies)
        });
    }
    let mut latencies = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        latencies.append(&mut ended??);
    }
    Ok(Load {
        latencies,
        elapsed: begun.elapsed(),
    })
}
