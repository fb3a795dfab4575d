//! The one task that reads streams and keys: what is asked while it reads is its next flight.

use tokio::sync::{mpsc, oneshot};

use super::snapshot::{self, Snapshot};
use super::{Ask, Found, LoadError, Point, Wanted};
use crate::idempotency::Stored;
use crate::personal::Keyring;
use crate::recorded::Position;
use crate::statements;
use crate::wire::{Connection, Error, Flight, Reply, Target, Value};

/// The most questions of a flight: the requests stay far below what sockets buffer.
const MOST_IN_FLIGHT: usize = 128;
/// The most questions that wait.
const MOST_WAITING: usize = 8_192;

/// The way to the task that reads.
#[derive(Clone)]
pub(crate) struct Reader(mpsc::Sender<Ask>);

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl Reader {
    /// Finds what is wanted.
    pub(crate) async fn find(&self, wanted: Wanted) -> Result<Found, LoadError> {
        let (sender, receiver) = oneshot::channel();
        let answer = Box::new(move |found| {
            // Who asked may have gone.
            let _gone = sender.send(found);
        });
        let stopped = || LoadError::Away("the service is stopping".to_owned());
        let asked = self.0.send(Ask { wanted, answer }).await;
        asked.map_err(|_| stopped())?;
        receiver.await.map_err(|_| stopped())?
    }

    /// Asks without waiting for room: refused with the question when there is none.
    pub(crate) fn try_ask(&self, ask: Ask) -> Result<(), Ask> {
        self.0.try_send(ask).map_err(|error| error.into_inner())
    }
}

/// Starts the task that reads; it ends when every [`Reader`] is gone.
pub(crate) fn start(target: Target, keyring: Keyring) -> Reader {
    let (sender, receiver) = mpsc::channel(MOST_WAITING);
    tokio::spawn(run(target, keyring, receiver));
    Reader(sender)
}

async fn run(target: Target, keyring: Keyring, mut receiver: mpsc::Receiver<Ask>) {
    let mut connection = None;
    let mut asks = Vec::with_capacity(MOST_IN_FLIGHT);
    while !asks.is_empty() || receiver.recv_many(&mut asks, MOST_IN_FLIGHT).await > 0 {
        let asked = std::mem::take(&mut asks);
        // A connection that idled may have died; a fresh one tells whether the server is away.
        let used = connection.is_some();
        let mut answered = read(&target, &mut connection, flight(&asked)).await;
        if used && answered.as_ref().is_err_and(Error::is_away) {
            answered = read(&target, &mut connection, flight(&asked)).await;
        }
        match answered {
            Ok(reply) => asks = answer(asked, &reply, &keyring).await,
            Err(error) => {
                let error = LoadError::from(error);
                for ask in asked {
                    (ask.answer)(Err(error.clone()));
                }
            }
        }
    }
}

/// One flight; a connection that fails is dropped.
async fn read(
    target: &Target,
    slot: &mut Option<Connection>,
    flight: std::io::Result<Flight>,
) -> Result<Reply, Error> {
    let mut connection = match slot.take() {
        Some(connection) => connection,
        None => Connection::open(target, statements::READER).await?,
    };
    let reply = connection.round_trip(flight?).await?;
    *slot = Some(connection);
    Ok(reply)
}

fn flight(asked: &[Ask]) -> std::io::Result<Flight> {
    let mut flight = Flight::new();
    flight.execute(statements::BEGIN_READ, &[])?;
    flight.execute(statements::HEAD, &[])?;
    for ask in asked {
        match &ask.wanted {
            Wanted::Key { id } => flight.execute(statements::KEY, &[Value::Uuid(*id)])?,
            Wanted::Stream {
                stream,
                known: Some(known),
                ..
            } => {
                let version = Value::Bigint(known.version.cast_signed());
                flight.execute(statements::TAIL, &[Value::Uuid(stream.id), version])?;
            }
            Wanted::Stream { stream, .. } => {
                let values = [
                    Value::Uuid(stream.id),
                    Value::Text(stream.aggregate_type),
                    Value::Text(snapshot::shape()),
                ];
                flight.execute(statements::SNAPSHOT, &values)?;
                flight.execute(statements::SINCE_SNAPSHOT, &values)?;
            }
        }
    }
    flight.execute(statements::COMMIT, &[])?;
    Ok(flight)
}

/// Answers; gives back what has to be asked again without its snapshot.
async fn answer(asked: Vec<Ask>, reply: &Reply, keyring: &Keyring) -> Vec<Ask> {
    let mut place = 2;
    let mut again = Vec::new();
    let as_of = reply.row(1).and_then(|row| row.bigint(2));
    for Ask { mut wanted, answer } in asked {
        let found = match &as_of {
            Ok(as_of) => find(&wanted, reply, &mut place, *as_of, keyring).await,
            Err(error) => Err(LoadError::Fault(error.to_string())),
        };
        match found {
            Ok(Some(found)) => answer(Ok(found)),
            Err(error) => answer(Err(error)),
            Ok(None) => {
                wanted.forget_snapshot();
                again.push(Ask { wanted, answer });
            }
        }
    }
    again
}

/// What the reply holds at `place` for one question; none when a snapshot is of no use.
async fn find(
    wanted: &Wanted,
    reply: &Reply,
    place: &mut usize,
    as_of: Position,
    keyring: &Keyring,
) -> Result<Option<Found>, LoadError> {
    let mut next = || {
        *place += 1;
        reply.rows(*place - 1)
    };
    let (stream, kind, known) = match wanted {
        Wanted::Key { .. } => {
            let row = next()?.first();
            return Ok(Some(Found::Key(row.map(Stored::read).transpose()?)));
        }
        Wanted::Stream {
            stream,
            kind,
            known,
        } => (*stream, kind, known),
    };
    let (point, rows) = match known {
        Some(known) => (known.clone(), next()?),
        None => {
            let (snapshot, rows) = (next()?, next()?);
            match snapshot.first() {
                None => (Point::empty(kind), rows),
                Some(row) => match Snapshot::read(row)?
                    .restore(stream, kind, rows, keyring)
                    .await?
                {
                    Ok(point) => (point, rows.get(1..).unwrap_or_default()),
                    Err(refused) => {
                        tracing::warn!(?stream, refused, "a snapshot is not used");
                        return Ok(None);
                    }
                },
            }
        }
    };
    Ok(Some(Found::Stream {
        point: point.follow(stream, kind, rows, keyring).await?,
        as_of,
        folded: rows.len(),
    }))
}
