//! `comptoir audit history`: every event of a stream.

use audit::streams::{Entry, Stream, StreamName};
use clap::Args;

use super::screen::{Look, Screen};
use super::{Found, told};
use crate::projections::store::Store;

/// How much of an id is shown where there is little room: its end, since ids of one time begin alike.
const SHORT: usize = 8;

#[derive(Args)]
pub(crate) struct History {
    /// The stream: the id of its aggregate, or <type>/<id>.
    stream: StreamName,
    /// Begins behind this version.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    after: i64,
    /// Tells so many events at most.
    #[arg(long)]
    limit: Option<u64>,
    /// Shows ids in full, and what is stored of each event.
    #[arg(long)]
    wide: bool,
    /// Shows personal data in clear; this needs the keys.
    #[arg(long)]
    reveal: bool,
    /// Prints JSON, a line an event.
    #[arg(long)]
    json: bool,
    /// Does not use $PAGER.
    #[arg(long)]
    no_pager: bool,
    #[command(flatten)]
    store: Store,
}

impl History {
    pub(super) async fn run(self) -> anyhow::Result<Found> {
        let databases = self.store.open_to_tell(self.reveal).await?;
        let stream = match Stream::find(&databases.log, &self.stream).await {
            Ok(stream) => stream,
            Err(error) => return told::missing(error),
        };
        let keyring = self.reveal.then_some(databases.keyring);
        let (pool, after, limit) = (&databases.log, self.after, self.limit);
        let title = format!("{} {}", stream.aggregate_type, stream.id);
        let mut history = audit::streams::History::new(pool, stream, after, limit, keyring);
        let mut screen = Screen::open(!self.no_pager && !self.json)?;
        let mut is_first = true;
        loop {
            let page = history.next().await?;
            if page.is_empty() {
                break;
            }
            match (self.json, self.wide) {
                (true, _) => {
                    for entry in &page {
                        screen.line(&serde_json::to_string(entry)?)?;
                    }
                }
                (false, wide) => {
                    if is_first {
                        screen.line(&title)?;
                    }
                    match wide {
                        true => wide_rows(&mut screen, &page, is_first)?,
                        false => narrow_rows(&mut screen, &page, is_first)?,
                    }
                }
            }
            is_first = false;
            screen.flush()?;
            if screen.left {
                break;
            }
        }
        screen.close()?;
        Ok(Found::Right)
    }
}

fn narrow_rows(screen: &mut Screen, page: &[Entry], with_heads: bool) -> std::io::Result<()> {
    let heads = [
        "position",
        "version",
        "recorded",
        "event",
        "who",
        "request",
        "caused by",
    ];
    let row = |entry: &Entry| {
        [
            entry.position.to_string(),
            entry.version.to_string(),
            when(entry, "%Y-%m-%d %H:%M:%S"),
            entry.event_type.clone(),
            short(entry.metadata.actor.as_deref()),
            request(entry, short),
            short(cause(entry).as_deref()),
        ]
    };
    let looks = [
        Look::Faint,
        Look::Plain,
        Look::Faint,
        Look::Event,
        Look::Plain,
        Look::Plain,
        Look::Plain,
    ];
    print(screen, heads, looks, page, row, with_heads)
}

fn wide_rows(screen: &mut Screen, page: &[Entry], with_heads: bool) -> std::io::Result<()> {
    let heads = [
        "position",
        "version",
        "id",
        "recorded",
        "event",
        "schema",
        "who",
        "request",
        "caused by",
        "data",
    ];
    let row = |entry: &Entry| {
        [
            entry.position.to_string(),
            entry.version.to_string(),
            entry.id.to_string(),
            when(entry, "%Y-%m-%d %H:%M:%S%.6f"),
            entry.event_type.clone(),
            entry.schema_version.clone(),
            entry.metadata.actor.clone().unwrap_or_default(),
            request(entry, |request| request.unwrap_or_default().to_owned()),
            cause(entry).unwrap_or_default(),
            entry.data.get().to_owned(),
        ]
    };
    let mut looks = [Look::Plain; 10];
    (looks[0], looks[2], looks[3], looks[4]) = (Look::Faint, Look::Faint, Look::Faint, Look::Event);
    print(screen, heads, looks, page, row, with_heads)
}

fn print<const N: usize>(
    screen: &mut Screen,
    heads: [&str; N],
    looks: [Look; N],
    page: &[Entry],
    row: impl Fn(&Entry) -> [String; N],
    with_heads: bool,
) -> std::io::Result<()> {
    let mut rows = Vec::with_capacity(page.len() + 1);
    if with_heads {
        rows.push(heads.map(str::to_owned));
    }
    rows.extend(page.iter().map(row));
    screen.rows(looks, &rows)
}

/// When it was recorded, and when it happened where that differs.
fn when(entry: &Entry, format: &str) -> String {
    let recorded = entry.recorded_at.format(format);
    match entry.occurred_at == entry.recorded_at {
        true => recorded.to_string(),
        false => format!("{recorded} (occurred {})", entry.occurred_at.format(format)),
    }
}

/// Which request, or which policy.
fn request(entry: &Entry, shown: impl Fn(Option<&str>) -> String) -> String {
    match entry.metadata.policy() {
        Some(policy) => format!("policy {policy}"),
        None => shown(entry.metadata.request_id.as_deref()),
    }
}

fn cause(entry: &Entry) -> Option<String> {
    entry.metadata.caused_by().map(|cause| cause.to_string())
}

fn short(id: Option<&str>) -> String {
    let id = id.unwrap_or_default();
    let length = id.chars().count();
    match length > SHORT + 1 {
        true => ['…']
            .into_iter()
            .chain(id.chars().skip(length - SHORT))
            .collect(),
        false => id.to_owned(),
    }
}
