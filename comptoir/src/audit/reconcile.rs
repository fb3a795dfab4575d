//! `comptoir audit reconcile`.

use std::io::{self, Write};

use audit::reconcile::{
    Asked, Did, Finding, Follower, InKafka, Line, Partition, Policy, Reconciliation, Sources,
    Summary, Told,
};
use clap::Args;
use event_store::Position;
use serde_json::json;
use tokio::sync::mpsc;

use super::Found;
use super::bar::bar;
use crate::projections::store::Store;
use crate::settings::Kafka;
use crate::table;

/// How many findings people are shown.
const SHOWN: usize = 100;
/// How much may wait to be printed.
const WAITING: usize = 1_000;

/// Which positions are compared, and where everything is.
#[derive(Args)]
pub(crate) struct Reconcile {
    /// From this position on.
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    from: Option<Position>,
    /// Up to this position.
    #[arg(long, value_parser = clap::value_parser!(i64).range(1..))]
    to: Option<Position>,
    /// Tells every position, a line each.
    #[arg(long)]
    all: bool,
    /// How many positions are looked at together: fewer take less memory.
    #[arg(long, default_value_t = Asked::default().window)]
    window: usize,
    #[command(flatten)]
    kafka: Kafka,
    #[command(flatten)]
    store: Store,
    /// Prints JSON, a line each; the summary is the last one.
    #[arg(long)]
    json: bool,
}

/// The policies and effects of this program.
pub(crate) fn policies() -> Vec<Policy> {
    let follows = workers::follows().into_iter();
    let policy = follows.map(|one| Policy {
        name: one.name,
        aggregate_type: one.aggregate_type,
    });
    policy.collect()
}

impl Reconcile {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let databases = self.store.open().await?;
        let sources = Sources {
            log: databases.log,
            read: databases.read,
            kafka: self.kafka.relay(),
            projections: projections::all().into(),
            policies: policies().into(),
        };
        let asked = Asked {
            from: self.from,
            to: self.to,
            all: self.all,
            window: self.window,
        };
        let begun = Reconciliation::begin(sources, asked).await?;
        let first = begun.range().0;
        let (sender, told) = mpsc::channel(WAITING);
        let (summary, printed) = tokio::join!(begun.run(sender), self.print(first, told));
        let printed = printed?;
        let Some(findings) = printed else {
            // Whoever read it has gone, as `head` does, and wants no summary.
            return Ok(Found::Right);
        };
        let summary = summary?;
        match self.json {
            true => println!("{}", json!({ "told": "summary", "summary": summary })),
            false => tell(&summary, &findings),
        }
        Ok(match summary.holds() {
            true => Found::Right,
            false => Found::Wrong,
        })
    }

    /// Prints what is told, and gives the first findings; none when nobody reads it.
    async fn print(
        &self,
        first: Position,
        mut all: mpsc::Receiver<Told>,
    ) -> anyhow::Result<Option<Vec<Finding>>> {
        let bar = bar("comparing")?;
        let mut findings = Vec::new();
        let mut out = io::BufWriter::new(io::stdout());
        while let Some(told) = all.recv().await {
            let written = match &told {
                Told::Progress { position, to } => {
                    bar.set_length((to - first + 1).max(0).unsigned_abs());
                    bar.set_position((position - first + 1).max(0).unsigned_abs());
                    out.flush()
                }
                _ if self.json => writeln!(out, "{}", serde_json::to_string(&told)?),
                Told::Position(line) => writeln!(out, "{}", sentence(line)),
                Told::Finding(finding) => {
                    if findings.len() < SHOWN {
                        findings.push(finding.clone());
                    }
                    Ok(())
                }
            };
            match written {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
                written => written?,
            }
        }
        out.flush()?;
        bar.finish_and_clear();
        Ok(Some(findings))
    }
}

/// A position as people read it: who does not take its event is not told.
fn sentence(line: &Line) -> String {
    let offset = line.offset.map(|offset| format!("@{offset}"));
    let kafka = line.kafka.map_or("", InKafka::name);
    let projections = line.projections.iter().map(|(who, did)| (*who, *did));
    let policies = line.policies.iter().map(|(who, did)| (*who, *did));
    let followers: Vec<String> = projections
        .chain(policies)
        .filter(|(_, did)| *did != Did::Skipped)
        .map(|(who, did)| format!("{who} {}", did.name()))
        .collect();
    let place = format!(
        "{}[{}]{}",
        line.topic,
        line.partition,
        offset.unwrap_or_default()
    );
    let followers = followers.join(", ");
    format!("{:>10}  {place}  {kafka}  {followers}", line.position)
}

fn tell(summary: &Summary, findings: &[Finding]) {
    let Summary {
        from,
        to,
        head,
        relayed,
        ..
    } = summary;
    println!(
        "The log {} has {head} events, the relay is at {relayed}; compared from {from} to {to}.",
        summary.epoch
    );
    match &summary.kafka {
        Some(partitions) => tell_partitions(partitions),
        None => println!("Kafka was not looked at: no brokers were given (--kafka-brokers)."),
    }
    tell_followers("projection", &summary.projections);
    tell_followers("policy", &summary.policies);
    for finding in findings {
        println!("WRONG: {finding}.");
    }
    match summary.findings - findings.len() as u64 {
        0 if findings.is_empty() => println!("Nothing is wrong."),
        0 => {}
        more => println!("… and {more} more."),
    }
}

fn tell_partitions(partitions: &[Partition]) {
    let heads = [
        "topic",
        "offsets",
        "messages",
        "events",
        "found",
        "lost",
        "late",
        "altered",
        "unexplained",
        "duplicated",
        "expired",
        "not yet relayed",
    ];
    table::lines(partitions, heads, |one| {
        let offsets = one.low.zip(one.high);
        let numbers = [
            one.messages,
            one.events,
            one.found,
            one.lost,
            one.late,
            one.altered,
            one.unexplained,
            one.duplicated,
            one.expired,
            one.not_yet_relayed,
        ];
        let mut cells = [const { String::new() }; 12];
        cells[0] = format!("{}[{}]", one.topic, one.partition);
        cells[1] = offsets.map_or_else(
            || "no topic".to_owned(),
            |(low, high)| format!("{low}..{high}"),
        );
        for (cell, number) in cells[2..].iter_mut().zip(numbers) {
            *cell = number.to_string();
        }
        cells
    });
}

fn tell_followers(what: &'static str, all: &[Follower]) {
    let heads = [
        what, "applied", "skipped", "parked", "not seen", "due", "failed",
    ];
    let told = |number: Option<u64>| number.map_or_else(String::new, |number| number.to_string());
    table::lines(all, heads, |one| {
        [
            one.name.to_owned(),
            one.applied.to_string(),
            one.skipped.to_string(),
            one.parked.to_string(),
            one.not_seen.to_string(),
            told(one.due),
            told(one.failed),
        ]
    });
}
