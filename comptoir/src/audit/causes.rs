//! `comptoir audit causes`: the request behind an event, and everything that followed.

use std::path::PathBuf;

use anyhow::Context;
use audit::causes::find::Found as By;
use audit::causes::{self, Bounds, EventName, svg, text};
use clap::Args;
use sqlx::PgPool;

use super::screen::Screen;
use super::{Found, told};
use crate::projections::store::Store;

#[derive(Args)]
pub(crate) struct Causes {
    /// The event: its position, or its id.
    event: EventName,
    /// Prints JSON.
    #[arg(long, conflicts_with = "svg")]
    json: bool,
    /// Draws a picture into this file.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Shows so many events at most.
    #[arg(long, default_value_t = Bounds::default().events)]
    limit: usize,
    /// Does not use $PAGER.
    #[arg(long)]
    no_pager: bool,
    #[command(flatten)]
    store: Store,
}

impl Causes {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let log = self.store.open().await?.log;
        let Some(tree) = self.find(&log).await? else {
            return Ok(told::wrong(&format!("there is no event {}.", self.event)));
        };
        if tree.cut {
            eprintln!(
                "The tree is cut at {} events; --limit shows more.",
                self.limit
            );
        }
        if tree.found == By::WholeLog {
            eprintln!(
                "It was found in the whole log: the time in its id is not when it was stored."
            );
        }
        if self.json {
            println!("{}", serde_json::to_string(&tree)?);
        } else if let Some(file) = &self.svg {
            let written = std::fs::write(file, svg::draw(&tree));
            written.with_context(|| file.display().to_string())?;
            println!("The picture is in {}.", file.display());
        } else {
            let mut drawn = String::new();
            text::write(&tree, &mut drawn)?;
            let mut screen = Screen::open(!self.no_pager)?;
            for line in drawn.lines() {
                screen.line(&line.replace(char::is_control, " "))?;
            }
            screen.close()?;
        }
        Ok(Found::Right)
    }

    /// The tree; the whole log is searched only for what the times in ids do not lead to.
    async fn find(&self, log: &PgPool) -> anyhow::Result<Option<causes::Causes>> {
        let bounds = Bounds {
            events: self.limit,
            ..Bounds::default()
        };
        let found = causes::of(log, self.event, bounds).await?;
        let sought = match (&found, self.event) {
            (None, EventName::At(_)) => None,
            (None, EventName::Id(id)) => Some(id),
            (Some(tree), _) => tree.origin.caused_by.filter(|_| !tree.cut),
        };
        let Some(id) = sought else { return Ok(found) };
        eprintln!("The time in {id} does not lead to it: the whole log is searched.");
        let whole_log = true;
        Ok(causes::of(
            log,
            self.event,
            Bounds {
                whole_log,
                ..bounds
            },
        )
        .await?)
    }
}
