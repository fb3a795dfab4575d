//! `growth`: append, load and query by key on a log that grew, against one that did not.

use anyhow::{Context, ensure};
use clap::Args;
use sqlx::Row;

use super::Common;
use super::fill::{Filled, Streams};
use super::log_times::{Side, Times};
use super::numbers::draw;
use super::ours::Ours;
use super::report::{Figure, Report, Target};
use super::server::Server;

const OF: Streams = Streams::Inventories;
const TARGET: Target = Target::AtMost(1.15);
/// Loads and queries of one run.
const LOOKS: u64 = 1_000;
/// Appends of one run are this part of the small log, which should stay small.
const APPENDED: u64 = 20;
/// They are appended in so many turns.
const SLICES: u64 = 5;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    pub(super) common: Common,
    /// Events of the log at last; at a tenth of them it is measured too.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u64).range(10..))]
    events: u64,
    /// Events of the log that does not grow.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(10..))]
    small: u64,
    /// Callers at once that append.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    callers: u64,
}

/// What was measured when the log had grown to a size.
struct Stage {
    events: u64,
    /// Events of the log that did not grow.
    small: u64,
    /// Of the log that grew, and of the one that did not.
    times: [Times; 2],
}

pub(super) async fn measure(options: &Options, server: &Server) -> anyhow::Result<Report> {
    ensure!(
        options.events > options.small,
        "--events is more than --small"
    );
    let mut small = Filled::begin(server.database("small").await?, OF).await?;
    let mut large = Filled::begin(server.database("large").await?, OF).await?;
    let ours_small = small.up_to(options.small).await?;
    let (mut stages, mut space) = (Vec::new(), Vec::new());
    let sizes = [options.events / 10, options.events];
    for events in sizes.into_iter().filter(|events| *events > options.small) {
        tracing::info!(events, "filling");
        let ours_large = large.up_to(events).await?;
        server.settle().await?;
        let mut stage = Stage {
            events,
            small: options.small,
            times: Default::default(),
        };
        for run in 0..u64::from(options.common.runs) {
            let grown = Side::new(&large, ours_large.reopen().await?);
            let steady = Side::new(&small, ours_small.reopen().await?);
            stage.run(options, run, [grown, steady]).await?;
        }
        stages.push(stage);
        space = space_of(&ours_large).await?;
        ours_large.close();
    }
    ours_small.close();
    let report = report(&stages, server)?;
    Ok(space.into_iter().fold(report, Report::figure))
}

impl Stage {
    /// One run on both logs, in turns so short that both meet the same machine.
    async fn run(
        &mut self,
        options: &Options,
        run: u64,
        mut sides: [Side<'_>; 2],
    ) -> anyhow::Result<()> {
        let all = options.small / APPENDED;
        let each = all.div_ceil(options.callers * SLICES);
        for side in &mut sides {
            side.append(options.callers, each).await?;
            side.begin();
        }
        for _ in 0..SLICES {
            for side in &mut sides {
                side.append(options.callers, each).await?;
            }
        }
        for look in 0..LOOKS {
            for side in &mut sides {
                side.look(draw(run * LOOKS + look)).await?;
            }
        }
        for (side, times) in sides.into_iter().zip(&mut self.times) {
            side.into_times(times);
        }
        Ok(())
    }
}

/// The longest log first: its appends are the main figure.
fn report(stages: &[Stage], server: &Server) -> anyhow::Result<Report> {
    let (last, earlier) = stages.split_last().context("no size was measured")?;
    let [grown, steady] = &last.times;
    let report = Report::new("growth", "µs", &grown.append, &server.machine).against(
        &last.name("append by all callers"),
        &last.small(),
        &steady.append,
        Some(TARGET),
    );
    let report = last.looks().into_iter().fold(report, Report::figure);
    let earlier = earlier.iter().rev().flat_map(|stage| {
        let append = stage.figure("append by all callers", |times| &times.append);
        std::iter::once(append).chain(stage.looks())
    });
    Ok(earlier.fold(report, Report::figure))
}

impl Stage {
    fn name(&self, of: &str) -> String {
        format!("{of}, at {}", short(self.events))
    }

    fn small(&self) -> String {
        format!("self: {}", short(self.small))
    }

    fn figure(&self, of: &str, value: impl Fn(&Times) -> &Vec<f64>) -> Figure {
        let (ours, theirs) = (value(&self.times[0]), value(&self.times[1]));
        Figure::compared(self.name(of), "µs", ours, &self.small(), theirs).target(TARGET)
    }

    fn looks(&self) -> [Figure; 2] {
        [
            self.figure("load of a stream of 10, p50", |times| &times.load),
            self.figure("query by key, p50", |times| &times.query),
        ]
    }
}

/// A number of events as one says it.
fn short(events: u64) -> String {
    match events {
        millions if millions % 1_000_000 == 0 => format!("{} M", millions / 1_000_000),
        thousands if thousands % 1_000 == 0 => format!("{} k", thousands / 1_000),
        few => few.to_string(),
    }
}

/// What the events table and its indexes take on disk, for a million events.
async fn space_of(ours: &Ours) -> anyhow::Result<Vec<Figure>> {
    let rows = sqlx::query(
        "SELECT relname::text AS name, pg_relation_size(oid)::float8 AS bytes, \
             (SELECT position::float8 FROM log.head) AS events \
         FROM pg_class \
         WHERE oid = 'log.events'::regclass OR oid IN \
             (SELECT indexrelid FROM pg_index WHERE indrelid = 'log.events'::regclass) \
         ORDER BY relkind DESC, relname",
    )
    .fetch_all(ours.pool())
    .await?;
    let figures = rows.iter().map(|row| {
        let name: String = row.try_get("name")?;
        let mebibytes = row.try_get::<f64, _>("bytes")? / f64::from(1 << 20);
        let millions = row.try_get::<f64, _>("events")? / 1e6;
        let name = format!("{name} on disk, per million events");
        Ok(Figure::alone(name, "MiB", &[mebibytes / millions]))
    });
    figures.collect()
}
