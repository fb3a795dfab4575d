//! How far the projections are, again and again.

use std::time::Duration;

use clap::Args;

use super::status::{Looks, Status};

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
        let mut looks = Looks::default();
        loop {
            let all = self.status.look(&mut looks).await?;
            self.status.tell(&all)?;
            tokio::time::sleep(Duration::from_secs(self.every)).await;
        }
    }
}
