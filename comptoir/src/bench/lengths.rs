//! One caller's commands on long streams and on short ones, in turns.

use std::time::Instant;

use uuid::Uuid;

use super::numbers::quantile_ms;
use super::ours::Ours;
use super::report::{Figure, Report, Target};
use super::stock::{STOCK, Stock};

const SELF_SHORT: &str = "self: stream of 10";
const STOCK_SHORT: &str = "stock: stream of 10";
/// Commands on each stream whose state is known by then.
const WARM_ROUNDS: u64 = 5;
/// Commands of the stock side on each stream, which loads all of it every time.
const STOCK_ROUNDS: u64 = 3;

/// Medians in milliseconds, one a run: on short and on long streams.
#[derive(Default)]
pub(super) struct Lengths {
    cold: [Vec<f64>; 2],
    warm: [Vec<f64>; 2],
    stock: [Vec<f64>; 2],
}

impl Lengths {
    /// One run, on streams that nobody has loaded yet.
    pub(super) async fn run(
        &mut self,
        ours: &Ours,
        stock: &Stock,
        short: &[Uuid],
        long: &[Uuid],
    ) -> anyhow::Result<()> {
        let fresh = ours.reopen().await?;
        let (mut cold, mut warm, mut theirs) = (Pair::default(), Pair::default(), Pair::default());
        for round in 0..=WARM_ROUNDS {
            for (short, long) in short.iter().zip(long) {
                let pair = if round == 0 { &mut cold } else { &mut warm };
                for (side, id) in [*short, *long].into_iter().enumerate() {
                    let sent = Instant::now();
                    fresh.reserve(id, round).await?;
                    pair.push(side, sent);
                }
            }
        }
        fresh.close();
        for round in 0..STOCK_ROUNDS {
            for (short, long) in short.iter().zip(long) {
                for (side, id) in [*short, *long].into_iter().enumerate() {
                    let sent = Instant::now();
                    stock.reserve(id, round).await?;
                    theirs.push(side, sent);
                }
            }
        }
        cold.into_medians(&mut self.cold);
        warm.into_medians(&mut self.warm);
        theirs.into_medians(&mut self.stock);
        Ok(())
    }
}

/// Microseconds on short streams and on long ones.
#[derive(Default)]
struct Pair([Vec<u32>; 2]);

impl Pair {
    fn push(&mut self, side: usize, sent: Instant) {
        let micros = u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX);
        self.0[side].push(micros);
    }

    fn into_medians(mut self, medians: &mut [Vec<f64>; 2]) {
        for (side, micros) in self.0.iter_mut().enumerate() {
            medians[side].push(quantile_ms(micros, 50));
        }
    }
}

/// Adds what was found.
pub(super) fn figures(lengths: &Lengths, report: Report) -> Report {
    let Lengths { cold, warm, stock } = lengths;
    let name = "p50 on a stream of 1,000 events";
    let against_short = |name: &str, [short, long]: &[Vec<f64>; 2], against| {
        Figure::compared(name, "ms", long, against, short)
    };
    report
        .figure(against_short(name, warm, SELF_SHORT).target(Target::AtMost(1.1)))
        .figure(against_short(
            "the same, its state not cached",
            cold,
            SELF_SHORT,
        ))
        .figure(Figure::compared(name, "ms", &warm[1], STOCK, &stock[1]))
        .figure(against_short(
            "stock's own p50 on 1,000 events",
            stock,
            STOCK_SHORT,
        ))
}
