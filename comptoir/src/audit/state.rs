//! `comptoir audit state`: an aggregate as it stood.

use std::str::FromStr;

use anyhow::bail;
use audit::streams::{self, At, Standing, Stream, StreamName};
use chrono::{DateTime, Utc};
use clap::Args;
use serde_json::Value;

use super::{Found, told};
use crate::projections::store::Store;

#[derive(Args)]
pub(crate) struct State {
    /// The stream: the id of its aggregate, or <type>/<id>.
    stream: StreamName,
    /// As it stood at this version, or at this time (RFC 3339); now unless told otherwise.
    #[arg(long)]
    at: Option<Moment>,
    /// A time means what had happened by then, and not what was recorded by then.
    #[arg(long, requires = "at")]
    occurred: bool,
    /// Shows personal data in clear; this needs the keys.
    #[arg(long)]
    reveal: bool,
    /// Prints JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: Store,
}

/// A version or a time.
#[derive(Debug, Clone, Copy)]
enum Moment {
    Version(i64),
    Time(DateTime<Utc>),
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(version) = text.parse::<i64>() {
            return match version > 0 {
                true => Ok(Self::Version(version)),
                false => Err("versions are 1, 2, 3, …"),
            };
        }
        let time = DateTime::parse_from_rfc3339(text);
        let time = time.map_err(|_| "a version, or a time as in 2026-11-21T08:00:00Z")?;
        Ok(Self::Time(time.to_utc()))
    }
}

impl State {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let at = match (self.at, self.occurred) {
            (None, _) => At::Now,
            (Some(Moment::Version(_)), true) => bail!("--occurred goes with a time"),
            (Some(Moment::Version(version)), false) => At::Version(version),
            (Some(Moment::Time(time)), true) => At::Occurred(time),
            (Some(Moment::Time(time)), false) => At::Recorded(time),
        };
        let databases = self.store.open_to_tell(self.reveal).await?;
        let stream = match Stream::find(&databases.log, &self.stream).await {
            Ok(stream) => stream,
            Err(error) => return told::missing(error),
        };
        let keyring = self.reveal.then_some(&databases.keyring);
        let kinds = domain::aggregates();
        match streams::at(&databases.log, &kinds, stream, at, keyring).await? {
            Some(standing) => {
                print(&standing, self.json)?;
                Ok(Found::Right)
            }
            None => Ok(told::wrong(&not_there(&self.stream, at))),
        }
    }
}

fn print(standing: &Standing, json: bool) -> anyhow::Result<()> {
    if json {
        println!("{}", serde_json::to_string(standing)?);
        return Ok(());
    }
    let Standing {
        stream,
        version,
        position,
        recorded_at,
        occurred_at,
        state,
    } = standing;
    println!("{} {}", stream.aggregate_type, stream.id);
    let recorded = recorded_at.format("%Y-%m-%d %H:%M:%S%.6fZ");
    println!("version {version}, position {position}, recorded {recorded}");
    if occurred_at != recorded_at {
        println!("occurred {}", occurred_at.format("%Y-%m-%d %H:%M:%S%.6fZ"));
    }
    let state: Value = serde_json::from_str(state.get())?;
    println!("{}", serde_json::to_string_pretty(&state)?);
    Ok(())
}

fn not_there(stream: &StreamName, at: At) -> String {
    match at {
        At::Version(version) => format!("the stream {stream} has no version {version}."),
        At::Recorded(time) => format!("nothing of the stream {stream} was recorded by {time}."),
        At::Occurred(time) => format!("nothing of the stream {stream} had happened by {time}."),
        At::Now => format!("the stream {stream} has no events."),
    }
}
