//! A reader that follows the log by position all the while, across every disconnect.

use std::time::Duration;

use event_store::Position;
use event_store::database;
use event_store::read::LogReader;
use tokio::sync::watch;
use uuid::Uuid;

const PAUSE: Duration = Duration::from_millis(1);

/// What a reader saw.
pub struct Seen {
    /// The event at each position, from 1.
    pub events: Vec<Uuid>,
    /// How often the server was away.
    pub disconnects: usize,
}

/// Follows the log until the position that `end` names at last.
///
/// # Panics
/// When an event comes before the one that stands before it.
pub async fn follow(url: String, end: watch::Receiver<Option<Position>>) -> Seen {
    let pool = database::pool(&url, "log", 1).unwrap();
    let mut reader = LogReader::new(&pool, 0);
    let mut seen = Seen {
        events: Vec::new(),
        disconnects: 0,
    };
    loop {
        let reached = seen.events.len() as Position;
        if end.borrow().is_some_and(|end| reached >= end) {
            return seen;
        }
        match reader.next().await {
            Ok(None) => tokio::time::sleep(PAUSE).await,
            Ok(Some(page)) => {
                for event in page.events() {
                    let event = event.unwrap();
                    let next = seen.events.len() as Position + 1;
                    assert_eq!(event.position, next, "a reader met a hole or a disorder");
                    seen.events.push(event.event_id);
                }
            }
            Err(error) => {
                assert!(error.is_away(), "not a sign of being away: {error:?}");
                seen.disconnects += 1;
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
