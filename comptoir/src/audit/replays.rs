//! `comptoir audit replays`: which replays there are.

use chrono::SecondsFormat;
use clap::Args;
use projections::rebuild::replay::{self, Listed};

use super::Found;
use crate::projections::store::Store;
use crate::table;

#[derive(Args)]
pub(crate) struct Replays {
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

impl Replays {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let all = replay::list(&self.store.open().await?.read).await?;
        let heads = [
            "schema",
            "projection",
            "position",
            "as of",
            "state",
            "left out",
            "bytes",
        ];
        table::print(self.json, &all, heads, line)?;
        Ok(Found::Right)
    }
}

fn line(one: &Listed) -> [String; 7] {
    let marker = &one.marker;
    [
        one.schema.clone(),
        format!("{} {}", marker.projection, marker.version),
        marker.position.to_string(),
        marker.as_of.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        one.state.to_string(),
        marker.left_out.to_string(),
        one.bytes.to_string(),
    ]
}
