//! One connection, and the flights over it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use event_store::wire::{Answer, Connection, Error, Flight, ServerError};
use service_kit::server::REQUEST_LIMIT;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::error;
use super::lanes::{Ask, Shared};

/// The most statements that a connection keeps prepared. Lists have one for each combination of
/// filters and orderings.
const MOST_STATEMENTS: usize = 200;
/// When nobody waits for an answer any more.
const ANSWER_LIMIT: Duration = REQUEST_LIMIT;
/// A prepared statement whose result would have other columns by now ("cached plan must not change
/// result type"), and one that the server does not have: to be prepared anew.
const STALE: [&str; 2] = ["0A000", "26000"];

/// A connection with its prepared statements.
struct Session {
    connection: Connection,
    /// The names of statements, by their SQL.
    statements: HashMap<String, String, foldhash::fast::RandomState>,
    /// How many were prepared, so that no name comes twice.
    prepared: u64,
    shared: Arc<Shared>,
}

/// Takes what is asked, flight after flight, until nothing is for long.
pub(super) async fn run(shared: Arc<Shared>) {
    let woken = Arc::new(Notify::new());
    let mut session = None;
    loop {
        let asks = shared.take();
        let goes_on = match asks.is_empty() {
            true => shared.rest(&woken).await,
            false => serve(&shared, &mut session, asks).await,
        };
        if !goes_on {
            return;
        }
    }
}

/// Answers `asks`; false when it has to leave them to others, and the lane ends.
async fn serve(
    shared: &Arc<Shared>,
    session: &mut Option<Session>,
    mut asks: VecDeque<Ask>,
) -> bool {
    loop {
        // A connection that idled may have died; a fresh one tells whether the server is away.
        let used = session.is_some();
        let flight = shared.watch(fly(shared, session, &mut asks)).await;
        match flight {
            Ok(()) => return true,
            Err(_) if used => {}
            // The server may have no room for one more.
            Err(Error::Refused(_)) if shared.give_back(&mut asks) => return false,
            Err(error) => {
                let error = error::Error::of(error);
                for ask in asks {
                    ask.answer(Err(error.clone()));
                }
                return true;
            }
        }
    }
}

/// Takes away from `asks` those that it has answered, which are all unless the connection breaks.
async fn fly(
    shared: &Arc<Shared>,
    kept: &mut Option<Session>,
    asks: &mut VecDeque<Ask>,
) -> Result<(), Error> {
    let mut session = match kept.take() {
        Some(session) => session,
        None => Session::open(shared).await?,
    };
    let flights = async {
        let mut together = asks.len();
        while !asks.is_empty() {
            session.fly(asks, together).await?;
            // Behind one that was refused, each goes alone: they may be refused too.
            together = 1;
        }
        Ok::<_, Error>(())
    };
    let in_time = timeout(ANSWER_LIMIT, flights).await;
    in_time.map_err(|_| Error::Io(std::io::ErrorKind::TimedOut.into()))??;
    *kept = Some(session);
    Ok(())
}

impl Session {
    async fn open(shared: &Arc<Shared>) -> Result<Self, Error> {
        let connection = Connection::open(&shared.target, &[]).await?;
        shared.count(true);
        Ok(Self {
            connection,
            statements: HashMap::default(),
            prepared: 0,
            shared: shared.clone(),
        })
    }

    /// Asks the first `most` of `asks` as one transaction, in which each statement sees what is
    /// committed when it begins; answers them, up to the first that is refused, and takes them away.
    async fn fly(&mut self, asks: &mut VecDeque<Ask>, most: usize) -> Result<(), Error> {
        let mut flight = Flight::new();
        self.forget_if_many(&mut flight, most)?;
        let mut prepares = Vec::with_capacity(most);
        for ask in asks.iter().take(most) {
            prepares.push(self.ask(&mut flight, ask)?);
        }
        self.connection.send(flight).await?;
        let (mut answered, mut refused) = (0, None);
        loop {
            match self.connection.answer().await? {
                Answer::Rows(rows) => {
                    answered += 1;
                    if let Some(ask) = asks.pop_front() {
                        ask.answer(Ok(rows));
                    }
                }
                Answer::Refused(refusal, prepared) => refused = Some((refusal, prepared)),
                Answer::End => break,
            }
        }
        match refused {
            Some((refusal, _)) if refusal.is_away() => Err(Error::Refused(refusal)),
            Some((refusal, prepared)) => {
                self.refused(refusal, prepared, &prepares[answered..], asks);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Adds a question to a flight; whether that prepares its statement.
    fn ask(&mut self, flight: &mut Flight, ask: &Ask) -> std::io::Result<bool> {
        let query = &ask.query;
        if let Some(name) = self.statements.get(query.text.as_ref()) {
            flight.execute_with(name, &query.values)?;
            return Ok(false);
        }
        self.prepared += 1;
        let name = format!("q{}", self.prepared);
        flight.parse(&name, &query.text, &query.types)?;
        flight.execute_with(&name, &query.values)?;
        self.statements.insert(query.text.to_string(), name);
        Ok(true)
    }

    /// The first of `asks` was refused, and nothing behind it was looked at: of what these were to
    /// prepare (see `prepares`), at most the first is `prepared`.
    fn refused(
        &mut self,
        refusal: ServerError,
        prepared: bool,
        prepares: &[bool],
        asks: &mut VecDeque<Ask>,
    ) {
        for (place, (ask, prepares)) in asks.iter().zip(prepares).enumerate() {
            if *prepares && !(place == 0 && prepared) {
                self.statements.remove(ask.query.text.as_ref());
            }
        }
        let fresh = prepares.first().is_some_and(|prepares| *prepares);
        if !fresh && STALE.contains(&refusal.code.as_str()) {
            if let Some(ask) = asks.front() {
                self.statements.remove(ask.query.text.as_ref());
            }
        } else if let Some(ask) = asks.pop_front() {
            ask.answer(Err(error::Error::Refused(refusal)));
        }
    }

    /// Makes room for `more` statements.
    fn forget_if_many(&mut self, flight: &mut Flight, more: usize) -> std::io::Result<()> {
        if self.statements.len() + more > MOST_STATEMENTS {
            for (_, name) in self.statements.drain() {
                flight.close(&name)?;
            }
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.count(false);
    }
}
