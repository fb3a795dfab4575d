//! Reading the partitions, each a little past a position: on a thread of its own, since the consumer
//! blocks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_store::Position;
use event_store::relay::topics::is_away;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, Consumer as _, DefaultConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::extent::Extent;
use super::places::Places;
use super::print::{Print, Printer};

const POLL: Duration = Duration::from_millis(100);
/// How long nothing may come that should.
const SILENCE: Duration = Duration::from_secs(60);
/// So many messages beyond a position show that a partition has passed it: one alone may be out of
/// its place, or none of the relay's.
const BEYOND: usize = 64;
/// The most messages that are handed on together.
const CHUNK: usize = 500;

/// A message.
#[derive(Debug)]
pub(super) struct Met {
    /// The number of its place.
    pub(super) place: usize,
    pub(super) offset: i64,
    pub(super) what: What,
}

/// What a message is.
#[derive(Debug)]
pub(super) enum What {
    /// An event of this log, as it says.
    Event {
        position: Position,
        event_id: Uuid,
        print: Print,
    },
    /// None; why.
    Foreign(String),
}

/// What the thread says.
pub(super) enum Said {
    Met(Vec<Met>),
    /// Every partition has passed what was asked for, or has ended.
    Passed,
    Failed(KafkaError),
}

/// The log, as messages are held against it.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) epoch: Uuid,
    pub(super) head: Position,
    pub(super) printer: Printer,
}

/// Reads what `extents` have as far as it is told to, until nobody asks or listens any more.
pub(super) fn read(
    kafka: BaseConsumer,
    places: &Places,
    extents: &[Option<Extent>],
    known: Known,
    mut asked: mpsc::Receiver<Position>,
    said: mpsc::Sender<Said>,
) {
    let mut reader = match Reader::assign(kafka, places, extents, known, said.clone()) {
        Ok(reader) => reader,
        Err(error) => {
            // Who does not listen needs no reason.
            let _gone = said.blocking_send(Said::Failed(error));
            return;
        }
    };
    while let Some(up_to) = asked.blocking_recv() {
        let last = match reader.pass(up_to) {
            Ok(()) => Said::Passed,
            Err(End::Gone) => return,
            Err(End::Failed(error)) => Said::Failed(error),
        };
        if said.blocking_send(last).is_err() {
            return;
        }
    }
}

enum End {
    Gone,
    Failed(KafkaError),
}

struct Reader {
    kafka: Arc<BaseConsumer>,
    partitions: Vec<Reading>,
    known: Known,
    chunk: Vec<Met>,
    said: mpsc::Sender<Said>,
}

struct Reading {
    place: usize,
    queue: PartitionQueue<DefaultConsumerContext>,
    /// Messages that came before the partition had its own queue.
    early: Vec<Met>,
    high: i64,
    /// Positions that were met, and not yet asked for.
    beyond: Vec<Position>,
    ended: bool,
}

impl Reader {
    fn assign(
        kafka: BaseConsumer,
        places: &Places,
        extents: &[Option<Extent>],
        known: Known,
        said: mpsc::Sender<Said>,
    ) -> Result<Self, KafkaError> {
        let kafka = Arc::new(kafka);
        let mut starts = TopicPartitionList::new();
        let there = || {
            let all = places.all().iter().enumerate().zip(extents);
            all.filter_map(|((number, place), extent)| Some((number, place, (*extent)?)))
                .filter(|(_, _, extent)| extent.start < extent.high)
        };
        for (_, place, extent) in there() {
            let start = Offset::Offset(extent.start);
            starts.add_partition_offset(&place.topic, place.partition, start)?;
        }
        kafka.assign(&starts)?;
        let mut partitions = Vec::new();
        for (number, place, extent) in there() {
            let queue = kafka.split_partition_queue(&place.topic, place.partition);
            let unknown = KafkaError::MessageConsumption(RDKafkaErrorCode::UnknownPartition);
            partitions.push(Reading {
                place: number,
                queue: queue.ok_or(unknown)?,
                early: Vec::new(),
                high: extent.high,
                beyond: Vec::new(),
                ended: false,
            });
        }
        let mut reader = Self {
            kafka,
            partitions,
            known,
            chunk: Vec::new(),
            said,
        };
        reader.take_early(places)?;
        Ok(reader)
    }

    /// Takes what came while the queues were made.
    fn take_early(&mut self, places: &Places) -> Result<(), KafkaError> {
        let Self {
            kafka,
            partitions,
            known,
            ..
        } = self;
        while let Some(polled) = kafka.poll(POLL) {
            let message = match polled {
                Ok(message) => message,
                Err(KafkaError::PartitionEOF(_)) => continue,
                Err(error) if is_away(&error) => continue,
                Err(error) => return Err(error),
            };
            let is_its = |one: &&mut Reading| {
                let place = &places.all()[one.place];
                place.topic == message.topic() && place.partition == message.partition()
            };
            if let Some(reading) = partitions.iter_mut().find(is_its) {
                reading.early.push(known.met(reading.place, &message));
            }
        }
        for reading in partitions {
            reading.early.reverse();
        }
        Ok(())
    }

    fn pass(&mut self, up_to: Position) -> Result<(), End> {
        for index in 0..self.partitions.len() {
            self.partitions[index].beyond.retain(|one| *one > up_to);
            let mut heard = Instant::now();
            while self.partitions[index].goes_on() {
                let reading = &mut self.partitions[index];
                match reading.next(&self.known).map_err(End::Failed)? {
                    Some(met) => {
                        heard = Instant::now();
                        self.take(index, met, up_to)?;
                    }
                    None => {
                        // Callbacks and errors of the whole client.
                        if let Some(Err(error)) = self.kafka.poll(Duration::ZERO) {
                            passing(error).map_err(End::Failed)?;
                        }
                        if self.said.is_closed() {
                            return Err(End::Gone);
                        }
                        if heard.elapsed() > SILENCE && self.partitions[index].goes_on() {
                            let code = RDKafkaErrorCode::OperationTimedOut;
                            return Err(End::Failed(KafkaError::MessageConsumption(code)));
                        }
                    }
                }
            }
        }
        self.hand_on()
    }

    fn take(&mut self, index: usize, met: Met, up_to: Position) -> Result<(), End> {
        let reading = &mut self.partitions[index];
        reading.ended |= met.offset + 1 >= reading.high;
        if met.offset >= reading.high {
            return Ok(());
        }
        if let What::Event { position, .. } = met.what
            && position > up_to
        {
            reading.beyond.push(position);
        }
        self.chunk.push(met);
        match self.chunk.len() < CHUNK {
            true => Ok(()),
            false => self.hand_on(),
        }
    }

    fn hand_on(&mut self) -> Result<(), End> {
        let chunk = std::mem::take(&mut self.chunk);
        let sent = self.said.blocking_send(Said::Met(chunk));
        sent.map_err(|_| End::Gone)
    }
}

impl Reading {
    fn goes_on(&self) -> bool {
        !self.ended && self.beyond.len() < BEYOND
    }

    /// The next message; none when none came for a while, or there is none any more.
    fn next(&mut self, known: &Known) -> Result<Option<Met>, KafkaError> {
        if let Some(met) = self.early.pop() {
            return Ok(Some(met));
        }
        match self.queue.poll(POLL) {
            None => {}
            Some(Ok(message)) => return Ok(Some(known.met(self.place, &message))),
            // Its end may be one of messages that are never given, such as a transaction's.
            Some(Err(KafkaError::PartitionEOF(_))) => self.ended = true,
            Some(Err(error)) => passing(error)?,
        }
        Ok(None)
    }
}

/// What Kafka gets over by itself is waited for.
fn passing(error: KafkaError) -> Result<(), KafkaError> {
    match is_away(&error) || matches!(error, KafkaError::PartitionEOF(_)) {
        true => Ok(()),
        false => Err(error),
    }
}

impl Known {
    fn met(&self, place: usize, message: &BorrowedMessage<'_>) -> Met {
        let what = match self.event(message) {
            Ok((position, event_id)) => What::Event {
                position,
                event_id,
                print: self.printer.of_message(message),
            },
            Err(why) => What::Foreign(why),
        };
        Met {
            place,
            offset: message.offset(),
            what,
        }
    }

    /// Which event it says it is.
    fn event(&self, message: &BorrowedMessage<'_>) -> Result<(Position, Uuid), String> {
        let header = |name: &str| {
            let mut all = message.headers().into_iter().flat_map(Headers::iter);
            let found = all.find(|header| header.key == name);
            let text = found.and_then(|header| std::str::from_utf8(header.value?).ok());
            text.ok_or_else(|| format!("it has no {name}"))
        };
        let epoch: Uuid = parsed("ce_epoch", header("ce_epoch")?)?;
        if epoch != self.epoch {
            return Err(format!("it is of another log, or epoch: {epoch}"));
        }
        let position: Position = parsed("ce_position", header("ce_position")?)?;
        if position < 1 || position > self.head {
            return Err(format!("the log has no position {position}"));
        }
        Ok((position, parsed("ce_id", header("ce_id")?)?))
    }
}

fn parsed<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, String> {
    let short: String = text.chars().take(40).collect();
    text.parse().map_err(|_| format!("its {name} is {short:?}"))
}
