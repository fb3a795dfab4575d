//! The log, page after page, with what policies want of it.

use event_store::read::{self, LogReader};
use event_store::wake::{LOG, POLL, Wake};
use event_store::{Log, Position, RecordedEvent};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Pages read ahead.
const AHEAD: usize = 2;

/// Events of the log that follow each other.
pub(super) struct Page {
    /// Those of the aggregates that are wanted.
    pub(super) events: Vec<RecordedEvent>,
    /// The position of the last one of all.
    pub(super) last: Position,
}

/// A task that reads, for as long as this is there.
pub(super) struct Reading {
    pages: mpsc::Receiver<Result<Page, read::Error>>,
    _task: AbortOnDropHandle<()>,
}

impl Reading {
    /// Reads the events after `position` of these aggregates: up to `until`, or as they come to be.
    pub(super) fn start(
        log: &Log,
        wanted: Vec<&'static str>,
        position: Position,
        until: Option<Position>,
    ) -> Self {
        let (sender, pages) = mpsc::channel(AHEAD);
        let task = tokio::spawn(read_on(log.clone(), wanted, position, until, sender));
        let _task = AbortOnDropHandle::new(task);
        Self { pages, _task }
    }

    /// The next page; none after the last one. Given up while it waits, it loses nothing.
    pub(super) async fn next(&mut self) -> Option<Result<Page, read::Error>> {
        self.pages.recv().await
    }
}

async fn read_on(
    log: Log,
    wanted: Vec<&'static str>,
    position: Position,
    until: Option<Position>,
    sender: mpsc::Sender<Result<Page, read::Error>>,
) {
    let mut reader = LogReader::new(log.pool(), position);
    let mut wake = Wake::new(log.pool().clone(), LOG);
    let end = until.unwrap_or(Position::MAX);
    while reader.position() < end {
        let page = match reader.next().await {
            Ok(Some(page)) => select(&page, &wanted, end),
            Ok(None) => {
                wake.wait().await;
                continue;
            }
            Err(error) if error.is_away() => {
                tracing::warn!(%error, "the workers wait for the log's database");
                tokio::time::sleep(POLL).await;
                continue;
            }
            Err(error) => Err(error),
        };
        let is_over = page.is_err();
        if sender.send(page).await.is_err() || is_over {
            return;
        }
    }
}

fn select(page: &read::Page, wanted: &[&str], end: Position) -> Result<Page, read::Error> {
    let mut events = Vec::new();
    for event in page.events() {
        let event = event?;
        if event.position <= end && wanted.contains(&event.aggregate_type) {
            events.push(event.to_owned());
        }
    }
    let last = page.last().min(end);
    Ok(Page { events, last })
}
