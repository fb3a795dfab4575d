//! Filling the shadow: the log as it is at one moment, folded stream by stream.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use event_store::{FrozenLog, RecordedEvent, StreamRange, StreamReader};
use futures::{StreamExt, TryStreamExt};
use sqlx::postgres::PgPoolCopyExt;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::progress::{Step, Teller};
use super::{Databases, Error, copy, shadow};
use crate::runtime::{Registered, Slot};

/// About how many events a worker takes at once.
const SHARE: i64 = 20_000;
/// How many events are opened at once.
const CHUNK: usize = 500;
/// A worker sends so many bytes of rows at once.
const SENT: usize = 128 * 1024;

/// What the workers share.
struct Work {
    databases: Databases,
    projection: Registered,
    columns: Vec<(String, bool)>,
    ranges: Mutex<VecDeque<StreamRange>>,
    teller: Teller,
}

/// Folds the whole log into the shadow by so many workers; gives the log as it was.
pub(super) async fn fill(
    databases: &Databases,
    projection: &Registered,
    workers: usize,
    teller: &Teller,
) -> Result<FrozenLog, Error> {
    let mut log = FrozenLog::take(&databases.log).await?;
    teller.begin(Step::Filling, log.head().unsigned_abs());
    let work = Arc::new(Work {
        databases: databases.clone(),
        projection: *projection,
        columns: shadow::columns(&databases.read, projection).await?,
        ranges: Mutex::new(log.ranges(SHARE).await?.into()),
        teller: teller.clone(),
    });
    let mut running = JoinSet::new();
    for _ in 0..workers.max(1) {
        let reader = log.reader(&databases.log).await?;
        running.spawn(Arc::clone(&work).run(reader));
    }
    while let Some(ended) = running.join_next().await {
        ended.map_err(|error| Error::Broken(error.to_string()))??;
    }
    Ok(log)
}

impl Work {
    fn next(&self) -> Option<StreamRange> {
        let mut ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        ranges.pop_front()
    }

    async fn run(self: Arc<Self>, mut reader: StreamReader) -> Result<(), Error> {
        let columns = self.columns.iter().map(|(name, _)| name.as_str());
        let sql = format!(
            "COPY {} ({}) FROM STDIN",
            self.projection.relation(Slot::Shadow),
            columns.collect::<Vec<_>>().join(", ")
        );
        let mut copy = self.databases.read.copy_in_raw(&sql).await?;
        let mut folding = Folding::new(&self);
        while let Some(range) = self.next() {
            let events = reader.read(self.projection.aggregate_type, range);
            let mut chunks = events.try_chunks(CHUNK);
            while let Some(chunk) = chunks.next().await {
                let mut chunk = chunk.map_err(|error| error.1)?;
                self.databases.keyring.open_events(&mut chunk).await?;
                for event in &chunk {
                    folding.fold(event)?;
                }
                if folding.lines.len() >= SENT {
                    copy.send(std::mem::take(&mut folding.lines)).await?;
                }
            }
            folding.end_stream()?;
            self.teller.advance(SHARE.unsigned_abs());
        }
        copy.send(folding.lines).await?;
        copy.finish().await?;
        Ok(())
    }
}

/// One worker's fold, and the rows that it has not sent yet.
struct Folding<'a> {
    work: &'a Work,
    collect: Box<dyn crate::runtime::collect::Collect>,
    stream: Uuid,
    lines: Vec<u8>,
}

impl<'a> Folding<'a> {
    fn new(work: &'a Work) -> Self {
        Self {
            work,
            collect: (work.projection.collect)(),
            stream: Uuid::nil(),
            lines: Vec::with_capacity(2 * SENT),
        }
    }

    fn fold(&mut self, event: &RecordedEvent) -> Result<(), Error> {
        if event.aggregate_id != self.stream {
            self.end_stream()?;
            self.stream = event.aggregate_id;
        }
        let folded = self.collect.add(event);
        folded.map_err(|why| Error::unfoldable(event, &why))
    }

    fn end_stream(&mut self) -> Result<(), Error> {
        let projection = &self.work.projection;
        let rows = self.collect.take();
        for row in rows.map_err(|why| Error::shape(projection, why))? {
            copy::put(&mut self.lines, &self.work.columns, &row, projection)?;
        }
        Ok(())
    }
}
