//! Our side: everything that a bench asks of the log. No other file of the bench knows it.

use std::pin::pin;
use std::sync::Arc;

use anyhow::bail;
use domain::decider::{Decider, Event};
use domain::hotels::inventory::{self, RoomInventory};
use domain::hotels::reservation::{self, Reservation};
use domain::streams::{DecidedEvent, Halt, StreamId, StreamKind, Streams, stored_json};
use event_store::append::{Accepted, Append, ExecuteError, Metadata, Request, Stop, StreamAppend};
use event_store::idempotency::NewRecord;
use event_store::personal::Keyring;
use event_store::read::{LogReader, Page};
use event_store::{Log, Options, Position, database};
use futures::TryStreamExt;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::sample;

/// Connections of a process to the log, as the services have.
const CONNECTIONS: u32 = 16;
/// Partitions of a topic, as the services make them.
pub(super) const PARTITIONS: u32 = 6;
/// Events of one append when a stream is made up.
const SEEDED_AT_ONCE: usize = 200;

/// The log, opened as a service opens it.
#[derive(Clone)]
pub(super) struct Ours {
    log: Log,
    stop: CancellationToken,
    booked: Arc<reservation::Event>,
}

impl Ours {
    /// Opens the log of the database at `url`.
    pub(super) async fn open(url: &str) -> anyhow::Result<Self> {
        Self::of(database::pool(url, "log", CONNECTIONS)?).await
    }

    /// Opens it anew on the same connections: nothing is cached.
    pub(super) async fn reopen(&self) -> anyhow::Result<Self> {
        Self::of(self.pool().clone()).await
    }

    async fn of(pool: PgPool) -> anyhow::Result<Self> {
        let options = Options {
            contexts: domain::CONTEXTS.to_vec(),
            partitions: PARTITIONS,
            // What it writes is about nobody.
            keyring: Keyring::none(),
        };
        let stop = CancellationToken::new();
        let log = Log::open(pool, &options, stop.clone()).await?;
        Ok(Self {
            log,
            stop,
            booked: Arc::new(sample::booked()?),
        })
    }

    /// The database of the log.
    pub(super) fn pool(&self) -> &PgPool {
        self.log.pool()
    }

    /// Ends what it runs.
    pub(super) fn close(self) {
        self.stop.cancel();
    }

    /// Appends one event to a new stream, with everything on: record of an idempotency key, leaf
    /// hash, metadata.
    pub(super) async fn append_new(&self) -> anyhow::Result<()> {
        let append = Append {
            idempotency: Some(record()),
            ..to_stream::<Reservation>(Uuid::now_v7(), 0, std::slice::from_ref(&*self.booked))
        };
        self.log.append(append).await?;
        Ok(())
    }

    /// A new inventory with so many events.
    pub(super) async fn seed(&self, id: Uuid, events: u64) -> anyhow::Result<()> {
        let reserved =
            (1..events).map(|number| inventory::Event::RoomsReserved(sample::allocation(number)));
        let events: Vec<_> = std::iter::once(sample::opened()).chain(reserved).collect();
        let mut version = 0;
        for events in events.chunks(SEEDED_AT_ONCE) {
            let append = to_stream::<RoomInventory>(id, version, events);
            self.log.append(append).await?;
            version += events.len() as u64;
        }
        Ok(())
    }

    /// A new reservation with so many events: booked, and changed again and again.
    pub(super) async fn seed_reservation(&self, id: Uuid, events: u64) -> anyhow::Result<()> {
        let changed = (1..events).map(sample::changed);
        let events: Vec<_> = std::iter::once((*self.booked).clone())
            .chain(changed)
            .collect();
        self.log
            .append(to_stream::<Reservation>(id, 0, &events))
            .await?;
        Ok(())
    }

    /// The log itself.
    pub(super) fn log(&self) -> &Log {
        &self.log
    }

    /// The position of its last event.
    pub(super) async fn end(&self) -> anyhow::Result<Position> {
        let end = sqlx::query_scalar("SELECT position FROM head");
        Ok(end.fetch_one(self.pool()).await?)
    }

    /// Carries out one command on the inventory.
    pub(super) async fn reserve(&self, id: Uuid, number: u64) -> anyhow::Result<()> {
        let request = Request {
            metadata: metadata(),
            ..Request::default()
        };
        let allocation = sample::allocation(number);
        let decide = move |streams: &mut Streams| {
            let command = inventory::Command::Reserve(allocation.clone());
            match streams.decide::<RoomInventory>(id, command) {
                Ok(()) => Ok(Accepted {
                    value: (),
                    answer: String::new(),
                }),
                Err(Halt::Missing(stream, kind)) => Err(Stop::Missing(stream, kind)),
                Err(Halt::Rejected(rejection)) => Err(Stop::Refused(rejection.to_string())),
                Err(Halt::Corrupt(error)) => Err(Stop::Refused(error.to_string())),
            }
        };
        match self.log.execute(request, decide).await {
            Ok(_) => Ok(()),
            Err(ExecuteError::Refused(why)) => bail!("refused: {why}"),
            Err(error) => Err(error.into()),
        }
    }

    /// Loads an inventory that is there.
    pub(super) async fn load(&self, id: Uuid) -> anyhow::Result<()> {
        let stream = StreamId::of::<RoomInventory>(id);
        let kind = StreamKind::of::<RoomInventory>();
        let (loaded, _) = self.log.load(stream, kind).await?;
        if loaded.version == 0 {
            bail!("the inventory {id} is not there");
        }
        Ok(())
    }

    /// Reads the whole log in order and decodes every event; gives how many.
    pub(super) async fn read_all(&self) -> anyhow::Result<u64> {
        let reader = LogReader::new(self.pool(), 0);
        let mut pages = pin!(reader.decoded(self.log.keyring().clone(), decode));
        let mut count = 0;
        while let Some(decoded) = pages.try_next().await? {
            count += decoded?;
        }
        Ok(count)
    }
}

/// Each event of the page as its aggregate's; gives how many.
fn decode(page: &Page) -> anyhow::Result<u64> {
    let mut count = 0;
    for event in page.events() {
        let event = event?;
        let inventory = event.decode::<RoomInventory>()?;
        let reservation = event.decode::<Reservation>()?;
        if inventory.len() + reservation.len() == 0 {
            bail!("an event of an aggregate that no bench writes");
        }
        std::hint::black_box((&event, inventory, reservation));
        count += 1;
    }
    Ok(count)
}

fn to_stream<D: Decider>(id: Uuid, expected_version: u64, events: &[D::Event]) -> Append {
    let events = events.iter().map(|event| DecidedEvent {
        event_type: event.name(),
        event_version: event.version(),
        payload: stored_json(event),
    });
    Append {
        streams: vec![StreamAppend {
            stream: StreamId::of::<D>(id),
            expected_version,
            events: events.collect(),
        }],
        metadata: metadata(),
        occurred_at: None,
        idempotency: None,
    }
}

/// What the command API writes with an event.
fn metadata() -> Metadata {
    let request = Uuid::new_v4().to_string();
    Metadata {
        actor: Some(Uuid::from_u128(2)),
        correlation_id: request.clone(),
        causation_id: request.clone(),
        request_id: request,
        traceparent: Some(sample::TRACEPARENT.to_owned()),
        imported: false,
    }
}

/// What the command API keeps of an answer.
fn record() -> NewRecord {
    NewRecord {
        scope: Uuid::from_u128(2).to_string(),
        key: Uuid::new_v4().to_string(),
        digest: [7; 32],
        answer: sample::ANSWER.to_owned(),
    }
}
