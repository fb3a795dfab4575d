//! Kafka, as far as it had anything at the start.

use std::collections::HashMap;

use event_store::{Position, relay};
use rdkafka::consumer::BaseConsumer;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use super::Error;
use super::consume::{self, Known, Said};
use super::extent::{self, Extent};
use super::places::Places;

/// How many chunks of messages may wait.
const WAITING: usize = 4;

/// The log's topics in Kafka.
pub(super) struct Kafka {
    options: relay::Options,
    consumer: BaseConsumer,
    places: Places,
    pub(super) extents: Vec<Option<Extent>>,
}

/// The thread that reads them; it ends when this is dropped.
pub(super) struct Reading {
    options: relay::Options,
    places: Places,
    ask: mpsc::Sender<Position>,
    said: mpsc::Receiver<Said>,
}

impl Kafka {
    /// Learns which offsets there are; to be read from what is as young as `since`.
    pub(super) async fn open(
        options: relay::Options,
        places: Places,
        since: Option<i64>,
    ) -> Result<Self, Error> {
        let opened = spawn_blocking(move || {
            let consumer = extent::consumer(&options)?;
            let extents = extent::extents(&consumer, places.all(), since)?;
            Ok(Self {
                options,
                consumer,
                places,
                extents,
            })
        });
        opened.await.unwrap_or(Err(Error::Ended))
    }

    pub(super) fn has_no_topic(&self) -> bool {
        self.extents.iter().all(Option::is_none)
    }

    /// Begins to read.
    pub(super) fn read(self, known: Known) -> Reading {
        let Self {
            options,
            consumer,
            places,
            extents,
        } = self;
        let (ask, asked) = mpsc::channel(1);
        let (sender, said) = mpsc::channel(WAITING);
        let of = places.clone();
        // It ends soon after nobody listens; nobody waits for it.
        drop(spawn_blocking(move || {
            consume::read(consumer, &of, &extents, known, asked, sender);
        }));
        Reading {
            options,
            places,
            ask,
            said,
        }
    }
}

impl Reading {
    /// Has every partition read until it has passed `position`.
    pub(super) async fn pass(&mut self, position: Position) -> Result<(), Error> {
        self.ask.send(position).await.map_err(|_| Error::Ended)
    }

    /// What was read; none when all has passed.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<consume::Met>>, Error> {
        match self.said.recv().await {
            Some(Said::Met(met)) => Ok(Some(met)),
            Some(Said::Passed) => Ok(None),
            Some(Said::Failed(error)) => Err(error.into()),
            None => Err(Error::Ended),
        }
    }

    /// The first offset that these places have by now.
    pub(super) async fn lows(&self, of: Vec<usize>) -> Result<HashMap<usize, i64>, Error> {
        let (options, places) = (self.options.clone(), self.places.clone());
        let looked = spawn_blocking(move || {
            let consumer = extent::consumer(&options)?;
            let low = |number: usize| {
                let (low, _) = extent::watermarks(&consumer, &places.all()[number])?;
                Ok((number, low))
            };
            of.into_iter().map(low).collect()
        });
        looked.await.unwrap_or(Err(Error::Ended))
    }
}
