//! How far the projections are.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use event_store::Position;
use projections::runtime::{Standing, standing};
use serde::Serialize;
use serde_json::json;

use super::store::{Store, named};

/// A rate needs two looks.
const BETWEEN: Duration = Duration::from_secs(1);

/// Of which projections it is told, and how.
#[derive(Args, Clone)]
pub(crate) struct Status {
    /// The projections; all of them when none is named.
    names: Vec<String>,
    /// As JSON, a line a projection.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

impl Status {
    /// What there is; no database is asked.
    pub(super) fn list(self) -> anyhow::Result<()> {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(["projection", "version", "context", "of"]);
        for projection in named(&self.names)? {
            if self.json {
                let told = json!({
                    "projection": projection.name, "version": projection.version,
                    "context": projection.context, "of": projection.aggregate_type,
                });
                println!("{told}");
            }
            table.add_row([
                projection.name,
                &projection.version.to_string(),
                projection.context,
                projection.aggregate_type,
            ]);
        }
        if !self.json {
            println!("{table}");
        }
        Ok(())
    }

    pub(super) async fn run(self) -> anyhow::Result<()> {
        let mut looks = Looks::default();
        self.look(&mut looks).await?;
        tokio::time::sleep(BETWEEN).await;
        let all = self.look(&mut looks).await?;
        self.tell(&all)
    }

    /// Looks how far the tables are, and how fast they went on since the last look.
    pub(super) async fn look(&self, looks: &mut Looks) -> anyhow::Result<Vec<Told>> {
        let databases = self.store.open().await?;
        let projections = named(&self.names)?;
        let all = standing(&databases.log, &databases.read, &projections).await?;
        Ok(looks.tell(all))
    }

    pub(super) fn tell(&self, all: &[Told]) -> anyhow::Result<()> {
        if !self.json {
            println!("{}", table(all));
            return Ok(());
        }
        for one in all {
            println!("{}", serde_json::to_string(one)?);
        }
        Ok(())
    }
}

/// How far a table is, and how fast it goes on.
#[derive(Serialize)]
pub(super) struct Told {
    #[serde(flatten)]
    standing: Standing,
    /// Since the look before.
    positions_per_second: f64,
}

/// When and where tables were looked at.
#[derive(Default)]
pub(super) struct Looks(HashMap<(&'static str, i32, String), (Instant, Position)>);

impl Looks {
    fn tell(&mut self, all: Vec<Standing>) -> Vec<Told> {
        let now = Instant::now();
        let told = all.into_iter().map(|standing| {
            let table = (standing.projection, standing.version, standing.slot.clone());
            let (then, before) = self
                .0
                .insert(table, (now, standing.position))
                .unwrap_or((now, standing.position));
            let seconds = (now - then).as_secs_f64().max(0.001);
            Told {
                positions_per_second: (standing.position - before) as f64 / seconds,
                standing,
            }
        });
        told.collect()
    }
}

fn table(all: &[Told]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header([
        "projection",
        "version",
        "table",
        "position",
        "positions/s",
        "events behind",
        "seconds behind",
        "events parked",
    ]);
    for told in all {
        let one = &told.standing;
        table.add_row([
            one.projection.to_owned(),
            one.version.to_string(),
            one.slot.clone(),
            one.position.to_string(),
            format!("{:.0}", told.positions_per_second),
            one.events_behind.to_string(),
            format!("{:.1}", one.seconds_behind),
            one.parked.to_string(),
        ]);
    }
    table
}
