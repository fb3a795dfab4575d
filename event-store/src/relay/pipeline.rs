//! Reading, sending and writing down, each ahead of the next: pages are read and sent while Kafka's
//! acknowledgements of earlier ones are under way, and what is written down is acknowledged.

use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

use sqlx::PgPool;
use tokio::sync::mpsc::{self, Receiver, Sender};
use uuid::Uuid;

use super::Error;
use super::lead::{Lead, Lost, Partition};
use super::produce::{Producer, Sent};
use crate::read::LogReader;
use crate::recorded::Position;
use crate::wake::{LOG, Wake};

/// So many pages may be under way. It bounds the producer's memory, some 2 KiB a message.
const UNDER_WAY: usize = 8;
/// How often a lead that has nothing to send looks whether it is held.
const LOOK: Duration = Duration::from_secs(1);

/// Relays as the leader, until another one leads.
///
/// # Errors
/// See [`Error`]; nothing is written down that Kafka has not acknowledged.
pub(super) async fn run(pool: &PgPool, producer: &Producer, mut lead: Lead) -> Result<Lost, Error> {
    tracing::info!(position = lead.position, "the relay leads");
    let (sent, acknowledged) = mpsc::channel(UNDER_WAY);
    let previous = std::mem::take(&mut lead.previous);
    let reader = LogReader::new(pool, lead.position);
    let wake = Wake::new(pool.clone(), LOG);
    tokio::select! {
        ended = send(producer, reader, wake, lead.epoch, previous, sent) => {
            ended.map(|never| match never {})
        }
        ended = write_down(producer, &mut lead, acknowledged) => ended,
    }
}

/// Sends the log page after page, as it comes to be.
async fn send(
    producer: &Producer,
    mut reader: LogReader,
    mut wake: Wake,
    epoch: Uuid,
    mut previous: HashMap<Partition, Position>,
    sent: Sender<Sent>,
) -> Result<Infallible, Error> {
    loop {
        // Nobody is left to write down only when the relay ends.
        let Ok(room) = sent.reserve().await else {
            std::future::pending().await
        };
        match reader.next().await? {
            Some(page) => room.send(producer.send(&page, epoch, &mut previous)?),
            None => {
                wake.wait().await;
            }
        }
        // Pages may come without a wait, and the other half has its turn too.
        tokio::task::yield_now().await;
    }
}

/// Writes down, page after page, what Kafka has.
async fn write_down(
    producer: &Producer,
    lead: &mut Lead,
    mut sent: Receiver<Sent>,
) -> Result<Lost, Error> {
    let mut waiting = None;
    loop {
        let next = match waiting.take() {
            Some(next) => Some(next),
            None => tokio::time::timeout(LOOK, sent.recv()).await.ok().flatten(),
        };
        let Some(mut first) = next else {
            if let Some(lost) = lead.still_held().await? {
                return Ok(lost);
            }
            continue;
        };
        producer.wait(&first).await?;
        first.acknowledged();
        // What else it has by now is written down with it.
        while let Ok(mut next) = sent.try_recv() {
            if !producer.has(&next)? {
                waiting = Some(next);
                break;
            }
            next.acknowledged();
            first.reached.on_to(next.reached);
        }
        if let Some(lost) = lead.advance(first.reached).await? {
            return Ok(lost);
        }
    }
}
