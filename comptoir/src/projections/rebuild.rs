//! Rebuilding, going back, and looking for drift.

use anyhow::{Context, bail};
use clap::Args;
use futures::{StreamExt, TryStreamExt, stream};
use indicatif::MultiProgress;
use projections::rebuild::{self, Databases, Difference, Extent, Options};
use projections::runtime::Registered;
use serde::Serialize;

use super::bar::shown;
use super::store::{Store, named};

/// So many differences are shown to people.
const SHOWN: usize = 20;

/// What is rebuilt, and how.
#[derive(Args)]
pub(crate) struct Rebuild {
    /// The projections.
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    names: Vec<String>,
    /// All of them.
    #[arg(long)]
    all: bool,
    /// Swaps them though they differ: the difference is what was wanted.
    #[arg(long)]
    accept: bool,
    /// How many are rebuilt at once.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=8))]
    at_once: u8,
    #[command(flatten)]
    how: How,
}

/// What is compared, and how.
#[derive(Args)]
pub(crate) struct Drift {
    /// The projections; all of them when none is named.
    names: Vec<String>,
    /// Compares the rows of about so many streams, drawn by lot, instead of all.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    sample: Option<u32>,
    #[command(flatten)]
    how: How,
}

/// What goes back.
#[derive(Args)]
pub(crate) struct Rollback {
    /// The projection.
    name: String,
    #[command(flatten)]
    how: How,
}

#[derive(Args)]
struct How {
    /// How many workers fold the log; one a CPU unless told otherwise.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=8))]
    workers: Option<u8>,
    /// Prints what came of it as JSON, a line a projection.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

/// What came of it, for programs.
#[derive(Serialize)]
struct Told<'a> {
    projection: &'a str,
    version: i32,
    swapped: bool,
    differences: &'a [Difference],
}

impl Rebuild {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let databases = self.how.store.open_to_project().await?;
        let bars = MultiProgress::new();
        let options = Options {
            workers: self.how.workers(),
            accept: self.accept,
        };
        let rebuilt = stream::iter(named(&self.names)?).map(|projection| {
            let (databases, bars) = (&databases, &bars);
            async move {
                let (sender, bar) = shown(&projection, bars)?;
                let outcome = rebuild::rebuild(databases, &projection, options, sender).await;
                bar.finish_and_clear();
                Ok::<_, anyhow::Error>((projection, outcome?))
            }
        });
        let rebuilt: Vec<_> = rebuilt
            .buffer_unordered(self.at_once.into())
            .try_collect()
            .await?;
        let mut kept = Vec::new();
        for (projection, outcome) in &rebuilt {
            self.how
                .tell(projection, &outcome.differences, outcome.swapped)?;
            if !outcome.swapped {
                kept.push(projection.name);
            }
        }
        if !kept.is_empty() {
            bail!(
                "{} differs from the log and was left as it is; --accept takes the rebuilt table",
                kept.join(", ")
            );
        }
        Ok(())
    }
}

impl Drift {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let databases = self.how.store.open_to_project().await?;
        let bars = MultiProgress::new();
        let mut drifted = Vec::new();
        for projection in named(&self.names)? {
            let (sender, bar) = shown(&projection, &bars)?;
            let extent = match self.sample {
                Some(streams) => Extent::Sample { streams },
                None => Extent::Full {
                    workers: self.how.workers(),
                },
            };
            let differences = rebuild::drift(&databases, &projection, extent, sender).await?;
            bar.finish_and_clear();
            self.how.tell(&projection, &differences, false)?;
            if !differences.is_empty() {
                drifted.push(projection.name);
            }
        }
        if !drifted.is_empty() {
            bail!("{} differs from the log", drifted.join(", "));
        }
        Ok(())
    }
}

impl Rollback {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let databases: Databases = self.how.store.open_to_project().await?;
        let projection = named(std::slice::from_ref(&self.name))?;
        let projection = projection.first().context("no projection")?;
        let (sender, bar) = shown(projection, &MultiProgress::new())?;
        rebuild::rollback(&databases, projection, sender).await?;
        bar.finish_and_clear();
        self.how.tell(projection, &[], true)
    }
}

impl How {
    fn workers(&self) -> usize {
        workers(self.workers)
    }

    fn tell(
        &self,
        projection: &Registered,
        differences: &[Difference],
        swapped: bool,
    ) -> anyhow::Result<()> {
        let Registered { name, version, .. } = *projection;
        if self.json {
            let told = Told {
                projection: name,
                version,
                swapped,
                differences,
            };
            println!("{}", serde_json::to_string(&told)?);
            return Ok(());
        }
        let ending = match swapped {
            true => ": the table from the log is live",
            false => "",
        };
        println!(
            "{name} (version {version}): {} differences{ending}",
            differences.len()
        );
        for difference in differences.iter().take(SHOWN) {
            show(difference);
        }
        if differences.len() > SHOWN {
            println!(
                "  … and {} more; --json shows all",
                differences.len() - SHOWN
            );
        }
        Ok(())
    }
}

/// As many workers as are asked for, else one a CPU.
pub(crate) fn workers(asked: Option<u8>) -> usize {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    asked.map_or(cpus.min(8), usize::from)
}

fn show(difference: &Difference) {
    let row = |row: &Option<serde_json::Value>| {
        row.as_ref()
            .map_or_else(|| "no row".to_owned(), ToString::to_string)
    };
    println!("  {}", difference.key);
    println!("    live     {}", row(&difference.live));
    println!("    from log {}", row(&difference.rebuilt));
    match difference.events.as_slice() {
        [] => println!("    no event explains the live row"),
        events => {
            for event in events {
                println!(
                    "    {} at position {} ({} {})",
                    event.event_type, event.position, event.stream, event.sequence
                );
            }
        }
    }
}
