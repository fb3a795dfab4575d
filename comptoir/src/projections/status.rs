//! How far the projections are.

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use projections::runtime::{Standing, standing};
use serde_json::json;

use super::store::{Store, named};

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
        let all = self.read().await?;
        match self.json {
            true => {
                for standing in &all {
                    println!("{}", serde_json::to_string(standing)?);
                }
            }
            false => println!("{}", table(&all, &[])),
        }
        Ok(())
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    pub(super) async fn read(&self) -> anyhow::Result<Vec<Standing>> {
        let databases = self.store.open().await?;
        let projections = named(&self.names)?;
        Ok(standing(&databases.log, &databases.read, &projections).await?)
    }
}

/// For people; `rates` are positions a second, where they are known.
pub(super) fn table(all: &[Standing], rates: &[f64]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    let mut header = vec![
        "projection",
        "version",
        "table",
        "position",
        "events behind",
        "seconds behind",
    ];
    if !rates.is_empty() {
        header.push("positions/s");
    }
    table.set_header(header);
    for (index, one) in all.iter().enumerate() {
        let mut row = vec![
            one.projection.to_owned(),
            one.version.to_string(),
            one.slot.clone(),
            one.position.to_string(),
            one.events_behind.to_string(),
            format!("{:.1}", one.seconds_behind),
        ];
        row.extend(rates.get(index).map(|rate| format!("{rate:.0}")));
        table.add_row(row);
    }
    table
}
