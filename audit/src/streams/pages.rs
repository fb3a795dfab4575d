//! The events of a stream, page by page: no connection is held between two pages.

use event_store::{RecordedEvent, read};
use sqlx::PgPool;

use super::Stream;

/// How many events are read at once.
const PAGE: i64 = 200;

/// Reads a stream from a version on.
pub(super) struct Pages {
    pool: PgPool,
    pub(super) stream: Stream,
    after: i64,
    ended: bool,
}

impl Pages {
    pub(super) fn new(pool: &PgPool, stream: Stream, after: i64) -> Self {
        Self {
            pool: pool.clone(),
            stream,
            after,
            ended: false,
        }
    }

    /// The next events, `most` at most; none at the end of the stream, as it is now.
    pub(super) async fn next(&mut self, most: i64) -> Result<Vec<RecordedEvent>, sqlx::Error> {
        let Stream { aggregate_type, id } = &self.stream;
        while !self.ended {
            let limit = PAGE.min(most);
            let mut page = read::stream_page(&self.pool, *id, self.after, limit).await?;
            self.ended = (page.len() as i64) < limit;
            self.after = page.last().map_or(self.after, |last| last.sequence);
            page.retain(|event| event.aggregate_type == *aggregate_type);
            if !page.is_empty() {
                return Ok(page);
            }
        }
        Ok(Vec::new())
    }
}
