//! `comptoir audit replay`: tables as they stood, in schemas of their own.

use anyhow::bail;
use clap::Args;
use event_store::as_of::{AsOf, Moment};
use indicatif::MultiProgress;
use projections::rebuild::Databases;
use projections::rebuild::replay::{self, Asked, Outcome, Schema};
use projections::runtime::Registered;

use super::Found;
use crate::projections::bar::shown;
use crate::projections::rebuild::workers;
use crate::projections::store::{Store, named};

/// So many events that are left out are shown to people.
const SHOWN: usize = 20;

#[derive(Args)]
pub(crate) struct Replay {
    /// The projection; several are as of the same moment.
    #[arg(long, required_unless_present = "drop")]
    projection: Vec<String>,
    /// As of when: a position of the log, or a time (RFC 3339) by which events were recorded.
    #[arg(long, required_unless_present = "drop")]
    as_of: Option<AsOf>,
    /// The schema that it goes to; `as_of_<position>_<projection>` unless told otherwise. A replay
    /// that is in it is made anew.
    #[arg(long)]
    schema: Option<String>,
    /// How many workers fold the log; one a CPU unless told otherwise.
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=8))]
    workers: Option<u8>,
    /// Drops the replay in this schema, and does nothing else.
    #[arg(long, value_name = "SCHEMA", conflicts_with_all = ["projection", "as_of", "schema"])]
    drop: Option<String>,
    /// Prints what came of it as JSON, a line a projection.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

impl Replay {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        match (&self.drop, self.as_of) {
            (Some(name), _) => self.drop(name).await,
            (None, Some(as_of)) => self.replay(as_of).await,
            (None, None) => bail!("--as-of says as of when"),
        }
    }

    async fn drop(&self, name: &str) -> anyhow::Result<Found> {
        let schema = Schema::parse(name)?;
        replay::drop(&self.store.open().await?.read, &schema).await?;
        match self.json {
            true => println!("{}", serde_json::json!({ "dropped": name })),
            false => println!("{name} is dropped"),
        }
        Ok(Found::Right)
    }

    async fn replay(&self, as_of: AsOf) -> anyhow::Result<Found> {
        let projections = named(&self.projection)?;
        let schema = self.schema.as_deref().map(Schema::parse).transpose()?;
        if schema.is_some() && projections.len() > 1 {
            bail!("a schema holds one replay: name one projection, or no schema");
        }
        let databases = self.store.open_to_project().await?;
        let moment = as_of.find(&databases.log).await?;
        let mut found = Found::Right;
        for projection in &projections {
            let schema = schema.clone();
            let outcome = self.one(&databases, projection, moment, schema).await?;
            if !outcome.not_folded.is_empty() {
                found = Found::Wrong;
            }
            self.tell(&outcome)?;
        }
        Ok(found)
    }

    async fn one(
        &self,
        databases: &Databases,
        projection: &Registered,
        moment: Moment,
        schema: Option<Schema>,
    ) -> anyhow::Result<Outcome> {
        let usual = || Schema::usual(projection, moment.position);
        let asked = Asked {
            moment,
            schema: schema.unwrap_or_else(usual),
            workers: workers(self.workers),
        };
        let (sender, bar) = shown(projection, &MultiProgress::new())?;
        let outcome = replay::replay(databases, projection, &asked, sender).await;
        bar.finish_and_clear();
        Ok(outcome?)
    }

    fn tell(&self, outcome: &Outcome) -> anyhow::Result<()> {
        if self.json {
            println!("{}", serde_json::to_string(outcome)?);
            return Ok(());
        }
        let Outcome {
            schema,
            marker,
            rows,
            not_folded,
        } = outcome;
        println!(
            "{} as of position {}: {rows} rows in {schema}.{}",
            marker.projection, marker.position, marker.projection
        );
        if !not_folded.is_empty() {
            println!("{} events could not be folded:", not_folded.len());
        }
        for one in not_folded.iter().take(SHOWN) {
            let why = one
                .why
                .as_deref()
                .unwrap_or("it stands behind one of its stream");
            println!(
                "  {} {} of {}: {why}",
                one.position, one.event_type, one.stream
            );
        }
        if not_folded.len() > SHOWN {
            println!(
                "  … and {} more; --json shows all",
                not_folded.len() - SHOWN
            );
        }
        Ok(())
    }
}
