//! How far the projections are, again and again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use clap::Args;

use super::status::{Status, table};

/// Of what, and how often.
#[derive(Args)]
pub(crate) struct Watch {
    /// Seconds between two looks.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    every: u64,
    #[command(flatten)]
    status: Status,
}

impl Watch {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let mut before: HashMap<(String, String), i64> = HashMap::new();
        let mut looked = Instant::now();
        loop {
            let all = self.status.read().await?;
            let seconds = looked.elapsed().as_secs_f64().max(0.001);
            looked = Instant::now();
            if self.status.is_json() {
                for one in &all {
                    println!("{}", serde_json::to_string(one)?);
                }
            } else {
                let rates = all.iter().map(|one| {
                    let key = (one.projection.to_owned(), one.slot.clone());
                    let last = before.insert(key, one.position).unwrap_or(one.position);
                    (one.position - last) as f64 / seconds
                });
                println!("{}", table(&all, &rates.collect::<Vec<_>>()));
            }
            tokio::time::sleep(Duration::from_secs(self.every)).await;
        }
    }
}
