//! Filling a bare table: the log as it is at one moment, folded stream by stream.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use event_store::read::Page;
use event_store::{BorrowedEvent, FrozenLog, RecordedEvent, StreamRange, StreamReader};
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgCopyIn, PgPoolCopyExt};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::progress::{Step, Teller};
use super::{Databases, Error};
use crate::runtime::Registered;
use crate::runtime::lines::{self, Shape};
use crate::runtime::park::{self, Parking};

/// About how many events a worker takes at once.
const SHARE: i64 = 20_000;
/// So many events may be parked by a fold of the whole log.
pub(super) const MOST_PARKED: usize = 10_000;
/// A worker sends so many bytes of rows at once.
const SENT: usize = 128 * 1024;

/// What the workers share.
struct Work {
    databases: Databases,
    projection: Registered,
    /// The table, with its schema.
    relation: String,
    shape: Shape,
    ranges: Mutex<VecDeque<StreamRange>>,
    teller: Teller,
    stop: CancellationToken,
    parked: Mutex<Vec<Parked>>,
}

/// An event that could not be folded, and why; none when it waits behind one of its stream.
pub(super) type Parked = (RecordedEvent, Option<String>);

/// Folds all of `log` into the table `relation`, given with its schema, by so many workers; gives
/// what could not be folded.
pub(super) async fn fill(
    databases: &Databases,
    (projection, relation): (&Registered, &str),
    log: &mut FrozenLog,
    workers: usize,
    teller: &Teller,
) -> Result<Vec<Parked>, Error> {
    teller.begin(Step::Filling, log.head().unsigned_abs());
    let stop = CancellationToken::new();
    let work = Arc::new(Work {
        databases: databases.clone(),
        projection: *projection,
        relation: relation.to_owned(),
        shape: lines::shape(&databases.read, relation).await?,
        ranges: Mutex::new(log.ranges(SHARE).await?.into()),
        teller: teller.clone(),
        stop: stop.clone(),
        parked: Mutex::default(),
    });
    // Threads are not given up as tasks are: they end when the first one fails, or nobody waits.
    let stop = stop.drop_guard();
    let mut running = JoinSet::new();
    for _ in 0..workers.max(1) {
        let (work, reader) = (Arc::clone(&work), log.reader(&databases.log));
        let service = Handle::current();
        running.spawn_blocking(move || work.run(reader, &service));
    }
    let mut outcome = Ok(());
    while let Some(ended) = running.join_next().await {
        let ended = ended.map_err(|error| Error::Broken(error.to_string()));
        if let Err(error) = ended.and_then(|ended| ended) {
            work.stop.cancel();
            outcome = outcome.and(Err(error));
        }
    }
    drop(stop);
    outcome?;
    let mut parked = work.parked.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *parked))
}

/// As they are written down.
pub(super) fn parking(parked: &[Parked]) -> Vec<Parking<'_>> {
    let parking = parked.iter().map(|(event, error)| Parking {
        event,
        error: error.as_deref(),
    });
    parking.collect()
}

/// What is kept of a parked event: its payload stays in the log, since here it may be in clear.
pub(super) fn without_payload(event: &RecordedEvent) -> RecordedEvent {
    RecordedEvent {
        payload: String::new(),
        metadata: String::new(),
        ..event.clone()
    }
}

/// More was parked than a fold may; nearly all fails, so the projection is at fault.
pub(super) fn too_many(event: &RecordedEvent, error: Option<String>) -> Error {
    Error::Unfoldable {
        position: event.position,
        why: error.unwrap_or_else(|| format!("{MOST_PARKED} events before it failed")),
    }
}

impl Work {
    fn next(&self) -> Option<StreamRange> {
        let mut ranges = self.ranges.lock().unwrap_or_else(PoisonError::into_inner);
        ranges.pop_front()
    }

    fn park(&self, event: &RecordedEvent, error: Option<String>) -> Result<(), Error> {
        let mut parked = self.parked.lock().unwrap_or_else(PoisonError::into_inner);
        if parked.len() >= MOST_PARKED {
            return Err(too_many(event, error));
        }
        parked.push((without_payload(event), error));
        Ok(())
    }

    /// A worker, on a thread of its own. Its reader has a runtime of its own too: that of the
    /// service has a thread woken for every few kilobytes that come, though nobody wants them yet.
    fn run(&self, mut reader: StreamReader, service: &Handle) -> Result<(), Error> {
        let broken = |error: std::io::Error| Error::Broken(error.to_string());
        let reading = Builder::new_current_thread().enable_all().build();
        let reading = reading.map_err(broken)?;
        let sql = lines::copy(&self.relation, &self.shape);
        let copy = service.block_on(self.databases.read.copy_in_raw(&sql))?;
        let mut sink = Sink { copy, service };
        let mut folding = Folding::new(self);
        let kind = self.projection.aggregate_type;
        let mut next = self.next();
        if let Some(range) = next {
            reading.block_on(reader.ask(kind, range))?;
        }
        while next.is_some() {
            // The server begins with the next range while this one is folded.
            next = self.next();
            if let Some(range) = next {
                reading.block_on(reader.ask(kind, range))?;
            }
            self.fold_range(&reading, &mut reader, &mut folding, &mut sink)?;
        }
        sink.send(&mut folding.lines)?;
        service.block_on(sink.copy.finish())?;
        Ok(())
    }

    fn fold_range(
        &self,
        reading: &Runtime,
        reader: &mut StreamReader,
        folding: &mut Folding<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<(), Error> {
        while let Some(mut page) = reading.block_on(reader.next())? {
            if self.stop.is_cancelled() {
                return Err(Error::Broken(
                    "another one failed, or it was given up".into(),
                ));
            }
            sink.service.block_on(page.open(&self.databases.keyring))?;
            folding.fold(&page)?;
            if folding.lines.len() >= SENT {
                sink.send(&mut folding.lines)?;
            }
        }
        folding.end_stream()?;
        self.teller.advance(SHARE.unsigned_abs());
        Ok(())
    }
}

/// Where rows go: a connection of the service, which its runtime serves.
struct Sink<'a> {
    copy: PgCopyIn<PoolConnection<Postgres>>,
    service: &'a Handle,
}

impl Sink<'_> {
    fn send(&mut self, lines: &mut Vec<u8>) -> Result<(), Error> {
        self.service.block_on(self.copy.send(lines.as_slice()))?;
        lines.clear();
        Ok(())
    }
}

/// One worker's fold, and the rows that it has not sent yet.
struct Folding<'a> {
    work: &'a Work,
    collect: Box<dyn crate::runtime::collect::Collect>,
    stream: Uuid,
    /// Whether an event of that stream could not be folded.
    is_parked: bool,
    /// The event at hand: texts of their own, whose memory is used again.
    event: Option<RecordedEvent>,
    lines: Vec<u8>,
}

impl<'a> Folding<'a> {
    fn new(work: &'a Work) -> Self {
        Self {
            work,
            collect: (work.projection.collect)(),
            stream: Uuid::nil(),
            is_parked: false,
            event: None,
            lines: Vec::with_capacity(2 * SENT),
        }
    }

    fn fold(&mut self, page: &Page) -> Result<(), Error> {
        for event in page.events() {
            let event = event?;
            if event.aggregate_id != self.stream {
                self.end_stream()?;
                self.stream = event.aggregate_id;
                self.is_parked = false;
            }
            self.add(&event)?;
        }
        Ok(())
    }

    fn add(&mut self, event: &BorrowedEvent<'_>) -> Result<(), Error> {
        let own = match &mut self.event {
            Some(own) => {
                own.assign(event);
                own
            }
            none => none.insert(event.to_owned()),
        };
        let error = match self.is_parked {
            true => None,
            false => match self.collect.add(own) {
                Ok(()) => return Ok(()),
                Err(error) => Some(park::why(own, &error.into())),
            },
        };
        self.is_parked = true;
        self.work.park(own, error)
    }

    fn end_stream(&mut self) -> Result<(), Error> {
        let projection = &self.work.projection;
        let rows = self.collect.take();
        for row in rows.map_err(|why| Error::shape(projection, why))? {
            let put = lines::put(&mut self.lines, &self.work.shape, &row);
            put.map_err(|why| Error::shape(projection, why))?;
        }
        Ok(())
    }
}
