//! `comptoir`: see `comptoir help`.

use std::process::ExitCode;

use clap::Parser;
use comptoir::cli::Cli;

/// What one thread takes another gives back here, for which glibc's allocator locks its arenas:
/// that and the taking itself were two fifths of what a command cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    Cli::parse().run().await
}
