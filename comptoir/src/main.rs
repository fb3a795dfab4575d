//! `comptoir`: see `comptoir help`.

use clap::Parser;
use comptoir::cli::Cli;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Cli::parse().run().await
}
