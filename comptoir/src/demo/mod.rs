//! The demo: 8,000 real reservations, played through the public API in the order in which they
//! happened. It can be killed at any moment: started again it goes on where it was.

mod api;
mod bar;
mod ledger;
mod numbers;
pub mod offer;
pub mod outcome;
pub mod plan;
mod player;
mod progress;
pub mod reckon;
mod reply;
mod report;
mod request;
pub mod rows;
mod sight;
mod table;

use std::path::PathBuf;

use plan::Plan;
pub use player::play_plan;
pub use report::{Lag, Report, Tally};

/// Where to play, as whom, and where to remember how far it got.
#[derive(Clone)]
pub struct Options {
    /// The base URL of both APIs, such as `http://127.0.0.1:8080`.
    pub url: String,
    /// The e-mail of an admin: only an admin may import what happened earlier.
    pub email: String,
    /// The admin's password.
    pub password: String,
    /// The file that remembers what was answered: one line a step, of one play in one store.
    pub progress: PathBuf,
    /// How many reservations to play, from the first; all of them unless told otherwise.
    pub rows: Option<usize>,
}

/// Plays the reservations that come with Comptoir, or what is left of them.
///
/// # Errors
/// When the server gives an answer that a right play never gets. No answer is no error: it waits.
pub async fn play(options: &Options) -> anyhow::Result<Report> {
    let mut rows = rows::published()?;
    rows.truncate(options.rows.unwrap_or(rows.len()));
    play_plan(&Plan::of(rows)?, options).await
}
